/** `qight group rename`: another name for all members. @module */
import { printGroup, withGroups } from "../group_command.ts";
import type { Call } from "../tree/spec.ts";

/** Prints what it is called here now; that is the new name unless another group of yours has it. */
export async function run(call: Call): Promise<void> {
  const [name, newName] = call.args;
  await withGroups(call, async ({ groups }) => {
    const { group } = await groups.find(name);
    await groups.rename(group, newName);
    const view = await groups.show(group);
    await printGroup(call, view, `#${view.name}`);
  });
}
