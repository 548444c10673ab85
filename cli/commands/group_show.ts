/** `qight group show`: all that is known of a group. @module */
import { mutedConversations } from "../../client/muted.ts";
import { withKnownGroups } from "../group_command.ts";
import { groupFields, groupLine, memberFields, memberLine } from "../group_output.ts";
import { mutedFields, mutedWords } from "../muted_output.ts";
import type { Call } from "../tree/spec.ts";

/** With `--json` one object, its members in `people`. */
export async function run(call: Call): Promise<void> {
  const { out } = call;
  await withKnownGroups(call, async ({ messenger, groups }) => {
    const view = await groups.show((await groups.find(call.args[0])).group);
    const names = await messenger.contacts.names();
    const [mutedUntil, nowMs] = [await mutedConversations(messenger.store), messenger.clock.now()];
    const untilMs = mutedUntil(view.group);
    if (out.json) {
      const people = await Promise.all(view.members.map((member) => memberFields(member, names)));
      return await out.object({ ...groupFields(view), ...mutedFields(untilMs, nowMs), people });
    }
    await out.line([groupLine(view), ...mutedWords(untilMs, { nowMs, utc: call.settings.utc })].join("  "));
    await out.line(`id  ${view.group.toHex()}`);
    for (const member of view.members) await out.line(memberLine(member, names));
  });
}
