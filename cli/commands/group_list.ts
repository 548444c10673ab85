/** `qight group list`: the own groups. @module */
import { withKnownGroups } from "../group_command.ts";
import { groupFields, groupLine } from "../group_output.ts";
import type { Call } from "../tree/spec.ts";

/** One line or object for each, by name, as far as is known here; no relay is asked. */
export async function run(call: Call): Promise<void> {
  await withKnownGroups(call, async ({ groups }) => {
    for (const view of await groups.list()) await call.out.result(groupFields(view), groupLine(view));
  });
}
