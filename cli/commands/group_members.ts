/** `qight group members`: who is in a group. @module */
import { withKnownGroups } from "../group_command.ts";
import { memberFields, memberLine } from "../group_output.ts";
import type { Call } from "../tree/spec.ts";

/** The owner, then admins, then members; a line or object each. */
export async function run(call: Call): Promise<void> {
  await withKnownGroups(call, async ({ messenger, groups }) => {
    const { group } = await groups.find(call.args[0]);
    const names = await messenger.contacts.names();
    for (const member of (await groups.show(group)).members) {
      await call.out.result(await memberFields(member, names), memberLine(member, names));
    }
  });
}
