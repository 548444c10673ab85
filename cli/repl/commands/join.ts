/** `/join`: into a group, by a yes or by an invite. @module */
import { conversationOfGroup } from "../../../client/conversations.ts";
import type { SlashCommand } from "../command.ts";
import { groupsOf } from "../group_words.ts";
import { accept } from "./accept.ts";

/** A name says yes to a group that asked; words or a link take an invite. */
export const join: SlashCommand = {
  name: "join",
  args: "<#name|words|link>",
  summary: "say yes to a group that asks, or take an invite",
  more: ["With [groups] ask = true in config.toml a group that somebody adds you to waits for this. /leave says no."],
  words: ["group"],
  count: [1, 24],
  secret: true,
  async run(chat, words, textFrom) {
    if (words.length > 1 || /^qight:/i.test(words[0])) return await accept.run(chat, words, textFrom);
    const group = await chat.openGroup(words[0]);
    await groupsOf(chat).join(group);
    await chat.openPlace(conversationOfGroup(group));
  },
};
