/** `/switch`: opens another conversation of the list. @module */
import { conversationWith } from "../../../client/conversations.ts";
import { QightError } from "../../../proto/errors.ts";
import type { Chat } from "../chat.ts";
import type { SlashCommand } from "../command.ts";

/** By number in `/list`, by name, or the one before this. */
export const switchCommand: SlashCommand = {
  name: "switch",
  args: "[number|name]",
  summary: "open another conversation, or the one before",
  words: ["conversation"],
  count: [0, 1],
  async run(chat, [word]) {
    await chat.openPlace(await wanted(chat, word));
  },
};

async function wanted(chat: Chat, word: string | undefined): Promise<string> {
  if (word === undefined) {
    if (chat.previous !== null) return chat.previous;
    throw new QightError("usage", "No other conversation was open", { hint: "/list shows them." });
  }
  if (word.startsWith("#")) return await chat.groupKey(word.slice(1));
  if (!/^\d{1,4}$/.test(word)) return conversationWith(await chat.who(word));
  const listed = chat.listed.length > 0 ? chat.listed : (await chat.conversations.list()).map(({ key }) => key);
  const key = listed[Number(word) - 1];
  if (key !== undefined) return key;
  throw new QightError("no_such_contact", `There is no conversation ${word}`, { hint: "/list shows their numbers." });
}
