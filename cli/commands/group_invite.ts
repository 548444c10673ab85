/** `qight group invite`: adds members. @module */
import { accountsOf, printGroup, withGroups } from "../group_command.ts";
import { groupLine } from "../group_output.ts";
import type { Call } from "../tree/spec.ts";

/** They are in as soon as they fetch; who is in already stays. */
export async function run(call: Call): Promise<void> {
  const [name, ...members] = call.args;
  await withGroups(call, async (work) => {
    const { groups } = work;
    const { group } = await groups.find(name);
    await groups.invite(group, await accountsOf(members, work, call));
    const view = await groups.show(group);
    await printGroup(call, view, groupLine(view));
  });
}
