/** `qight group admin`: who may remove, rename and set the timer besides the owner. @module */
import { accountsOf, printGroup, withGroups } from "../group_command.ts";
import { groupLine } from "../group_output.ts";
import type { groupAdminSpec } from "../tree/group.ts";
import type { Call } from "../tree/spec.ts";

/** Names admins, or makes them plain members again. */
export async function run(call: Call<typeof groupAdminSpec>): Promise<void> {
  const [name, ...members] = call.args;
  await withGroups(call, async (work) => {
    const { groups } = work;
    const { group } = await groups.find(name);
    for (const account of await accountsOf(members, work, call)) {
      await groups.setAdmin(group, account, !call.options.off);
    }
    const view = await groups.show(group);
    await printGroup(call, view, groupLine(view));
  });
}
