/** `/group-info`: what is known of a group. @module */
import { groupLine } from "../../group_output.ts";
import type { SlashCommand } from "../command.ts";
import { groupsOf } from "../group_words.ts";

/** The open one, or the one that is named. */
export const groupInfo: SlashCommand = {
  name: "group-info",
  aliases: ["gi"],
  args: "[#name]",
  summary: "show a group: members, your role, its id",
  words: ["group"],
  count: [0, 1],
  async run(chat, [name]) {
    const view = await groupsOf(chat).show(await chat.openGroup(name));
    await chat.screen.show(`${groupLine(view)}\nid  ${view.group.toHex()}`);
  },
};
