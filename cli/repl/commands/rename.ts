/** `/rename`: another name for the open group. @module */
import type { SlashCommand } from "../command.ts";
import { groupsOf } from "../group_words.ts";

/** For all its members. */
export const rename: SlashCommand = {
  name: "rename",
  args: "<new-name>",
  summary: "give the open group another name, for all",
  count: [1, 1],
  async run(chat, [name]) {
    const group = await chat.openGroup();
    const groups = groupsOf(chat);
    await groups.rename(group, name);
    chat.screen.note(`the group is #${(await groups.show(group)).name} now`);
    await chat.refreshPrompt();
  },
};
