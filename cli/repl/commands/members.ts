/** `/members`: who is in a group. @module */
import { memberLine } from "../../group_output.ts";
import type { SlashCommand } from "../command.ts";
import { groupsOf } from "../group_words.ts";

/** The owner, then admins, then members. */
export const members: SlashCommand = {
  name: "members",
  args: "[#name]",
  summary: "list who is in a group",
  words: ["group"],
  count: [0, 1],
  async run(chat, [name]) {
    const view = await groupsOf(chat).show(await chat.openGroup(name));
    const names = await chat.messenger.contacts.names();
    await chat.screen.show(view.members.map((member) => memberLine(member, names)).join("\n"));
  },
};
