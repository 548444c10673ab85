/** `/edit`: other words for an own line. @module */
import { QightError } from "../../../proto/errors.ts";
import { actionContent } from "../action_content.ts";
import type { SlashCommand } from "../command.ts";
import { act } from "../doings.ts";
import { lineAndText, lineNumbered } from "../line_words.ts";

/** The newest own line unless another one is named. */
export const edit: SlashCommand = {
  name: "edit",
  args: "[-line] <text>",
  summary: "change your newest line here, or an older one",
  more: [
    "/edit TEXT changes your newest line, /edit -2 TEXT your second newest. The others see that it was edited; whether",
    "their programs forget the old words is up to them.",
  ],
  words: [[]],
  count: [1, Infinity],
  // What was said stands in the encrypted history, and not in the file of typed lines.
  secret: true,
  async run(chat, words, textFrom) {
    const { which, text } = lineAndText(words, textFrom);
    if (text === "") throw new QightError("usage", "It is /edit TEXT or /edit -2 TEXT", { hint: "" });
    const line = await lineNumbered(chat, which, "own");
    await act(chat, actionContent("edit", { target: line.id, text }), line);
  },
};
