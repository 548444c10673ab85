/** `/reply`: words that answer a line. @module */
import { QightError } from "../../../proto/errors.ts";
import { contentOf } from "../../message_input.ts";
import type { SlashCommand } from "../command.ts";
import { lineAndText, lineNumbered } from "../line_words.ts";

/** To the newest line of the others unless another one is named. */
export const reply: SlashCommand = {
  name: "reply",
  args: "[-line] <text>",
  summary: "answer the newest line of the others, or another one",
  more: [
    "/reply TEXT answers the newest line of the others, /reply -2 TEXT the second newest of all lines, and so on.",
  ],
  words: [[]],
  count: [1, Infinity],
  // What was said stands in the encrypted history, and not in the file of typed lines.
  secret: true,
  async run(chat, words, textFrom) {
    const { which, text } = lineAndText(words, textFrom);
    if (text === "") throw new QightError("usage", "It is /reply TEXT or /reply -2 TEXT", { hint: "" });
    const { id } = await lineNumbered(chat, which, which === undefined ? "theirs" : "all");
    await chat.send(chat.openKey(), contentOf({ case: "text", value: text }, id));
  },
};
