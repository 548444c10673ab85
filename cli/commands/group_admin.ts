/** `qight group admin`: who may remove, rename and set the timer besides the owner, and who the owner is. @module */
import { QightError } from "../../proto/errors.ts";
import { accountsOf, printGroup, withGroups } from "../group_command.ts";
import { groupLine } from "../group_output.ts";
import type { groupAdminSpec } from "../tree/group.ts";
import type { Call } from "../tree/spec.ts";

/** Names admins, makes them plain members again, or hands the group over. */
export async function run(call: Call<typeof groupAdminSpec>): Promise<void> {
  const [name, ...members] = call.args;
  const { off, owner } = call.options;
  if (owner && (off || members.length !== 1)) {
    throw new QightError("usage", "A group is handed to one member", {
      hint: `qight group admin ${name} MEMBER --owner`,
    });
  }
  await withGroups(call, async (work) => {
    const { groups } = work;
    const { group } = await groups.find(name);
    for (const account of await accountsOf(members, work, call)) {
      if (owner) await groups.setOwner(group, account);
      else await groups.setAdmin(group, account, !off);
    }
    const view = await groups.show(group);
    await printGroup(call, view, groupLine(view));
  });
}
