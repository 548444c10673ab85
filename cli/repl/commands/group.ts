/** `/group`: opens the conversation of a group. @module */
import type { SlashCommand } from "../command.ts";

/** Like `#NAME` alone. */
export const group: SlashCommand = {
  name: "group",
  args: "<#name>",
  summary: "talk to a group; #NAME alone does the same",
  more: ["From then on plain text goes to the group. #NAME TEXT writes to it without opening its lines."],
  words: ["group"],
  count: [1, 1],
  async run(chat, [name]) {
    await chat.openPlace(await chat.groupKey(name.replace(/^#/, "")));
  },
};
