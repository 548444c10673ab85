/** `qight group list`: the own groups. @module */
import { mutedConversations } from "../../client/muted.ts";
import { withKnownGroups } from "../group_command.ts";
import { groupFields, groupLine } from "../group_output.ts";
import { mutedFields, mutedWords } from "../muted_output.ts";
import type { Call } from "../tree/spec.ts";

/** One line or object for each, by name, as far as is known here; no relay is asked. */
export async function run(call: Call): Promise<void> {
  const { out, settings: { utc } } = call;
  await withKnownGroups(call, async ({ messenger, groups }) => {
    const [mutedUntil, nowMs] = [await mutedConversations(messenger.store), messenger.clock.now()];
    for (const view of await groups.list()) {
      const untilMs = mutedUntil(view.group);
      const line = [groupLine(view), ...mutedWords(untilMs, { nowMs, utc })].join("  ");
      await out.result({ ...groupFields(view), ...mutedFields(untilMs, nowMs) }, line);
    }
  });
}
