/** `qight group create`: a group, with members or alone. @module */
import { accountsOf, printGroup, withGroups } from "../group_command.ts";
import type { Call } from "../tree/spec.ts";

/** Prints the group id; all members are in, or there is no group. */
export async function run(call: Call): Promise<void> {
  const [name, ...members] = call.args;
  await withGroups(call, async (work) => {
    const view = await work.groups.create(name, await accountsOf(members, work, call));
    await printGroup(call, view, view.group.toHex());
  });
}
