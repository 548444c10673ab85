/** `qight group join`: yes to a group that somebody added you to. @module */
import { printGroup, withGroups } from "../group_command.ts";
import { groupLine } from "../group_output.ts";
import type { Call } from "../tree/spec.ts";

/** Whoever is in already stays. */
export async function run(call: Call): Promise<void> {
  await withGroups(call, async ({ groups }) => {
    const { group } = await groups.find(call.args[0]);
    await groups.join(group);
    const view = await groups.show(group);
    await printGroup(call, view, groupLine(view));
  });
}
