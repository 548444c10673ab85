/** `qight group timer`: lines that disappear after they were read. @module */
import { printGroup, withGroups } from "../group_command.ts";
import { groupLine } from "../group_output.ts";
import { timerSeconds } from "../timer_word.ts";
import type { Call } from "../tree/spec.ts";

/** Sets the timer for all members; `off` lets lines stay. */
export async function run(call: Call): Promise<void> {
  const [name, word] = call.args;
  const seconds = timerSeconds(word);
  await withGroups(call, async ({ groups }) => {
    const { group } = await groups.find(name);
    await groups.setTimer(group, seconds);
    const view = await groups.show(group);
    await printGroup(call, view, groupLine(view));
  });
}
