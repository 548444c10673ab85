/** `qight group leave`: out of a group. @module */
import { sayLeft } from "../../client/say_left.ts";
import { groupFields } from "../group_output.ts";
import { withGroups } from "../group_command.ts";
import type { Call } from "../tree/spec.ts";

/** Tells the others, then the relay; the lines stay in the history. */
export async function run(call: Call): Promise<void> {
  await withGroups(call, async ({ messenger, groups, room }) => {
    const row = await groups.find(call.args[0]);
    const view = await groups.show(row.group);
    await groups.leave(row.group, () => sayLeft(messenger, room, row.group));
    await call.out.result({ ...groupFields(view), status: "left" }, `you left #${view.name}`);
  });
}
