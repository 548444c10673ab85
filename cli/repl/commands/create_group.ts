/** `/create-group`: a new group. @module */
import { conversationOfGroup } from "../../../client/conversations.ts";
import type { SlashCommand } from "../command.ts";
import { groupsOf, peopleNamed } from "../group_words.ts";

/** With members or alone; opens it. */
export const createGroup: SlashCommand = {
  name: "create-group",
  aliases: ["cg"],
  args: "<name> [member...]",
  summary: "make a group, with members or alone",
  more: [
    "Members are contacts, ids, or names at a relay that has them; they are in as soon as their qight reads its mail.",
    "/invite adds more.",
  ],
  words: [[], "contact"],
  count: [1, Infinity],
  async run(chat, [name, ...members]) {
    const view = await groupsOf(chat).create(name.replace(/^#/, ""), await peopleNamed(chat, members));
    const { length } = view.members;
    chat.screen.note(`#${view.name} is made, with ${length} ${length === 1 ? "member" : "members"}`);
    await chat.openPlace(conversationOfGroup(view.group));
  },
};
