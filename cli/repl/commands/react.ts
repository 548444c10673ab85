/** `/react`: an emoji on a line. @module */
import { isEmoji } from "../../../client/history_actions.ts";
import { QightError } from "../../../proto/errors.ts";
import { actionContent } from "../action_content.ts";
import type { SlashCommand } from "../command.ts";
import { act } from "../doings.ts";
import { lineNumbered } from "../line_words.ts";

/** On the newest line of the others unless another one is named. */
export const react: SlashCommand = {
  name: "react",
  args: "<emoji> [-line]",
  summary: "put an emoji on a line; off takes it back",
  more: [
    "Without a line: the newest of the others. -2 is the second newest of all lines, -3 the one before, and so on; the",
    "first digits of an id (qight history --json) do too. Each of you has one reaction on a line.",
  ],
  words: [["👍", "❤️", "😂", "🎉", "😮", "😢", "off"], []],
  count: [1, 2],
  async run(chat, words) {
    // /edit and /delete take the line first, so fingers do it here too.
    const [word, which] = LINE.test(words[0]) && words.length === 2 ? words.toReversed() : words;
    const emoji = word === "off" ? "" : word;
    if (!isEmoji(emoji)) throw new QightError("usage", `"${word}" is no reaction`, { hint: "One emoji: /react 👍" });
    const line = await lineNumbered(chat, which, which === undefined ? "theirs" : "all");
    await act(chat, actionContent("reaction", { target: line.id, emoji }), line);
  },
};

const LINE = /^-\d+$/;
