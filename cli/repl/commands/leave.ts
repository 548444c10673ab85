/** `/leave`: out of a group. @module */
import { sayLeft } from "../../../client/say_left.ts";
import type { SlashCommand } from "../command.ts";
import { groupsOf } from "../group_words.ts";

/** Asks for the name; the lines stay. */
export const leave: SlashCommand = {
  name: "leave",
  args: "[#name]",
  summary: "leave a group; its lines stay here",
  words: ["group"],
  count: [0, 1],
  async run(chat, [name]) {
    const group = await chat.openGroup(name);
    const groups = groupsOf(chat);
    const { name: known } = await groups.show(group);
    await chat.confirm(`You will leave #${known}; coming back takes an invite.`, known);
    const room = await chat.room();
    await groups.leave(group, () => sayLeft(chat.messenger, room, group));
    chat.screen.note(`you left #${known}`);
  },
};
