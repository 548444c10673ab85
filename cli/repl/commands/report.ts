/** `/report`: a line of somebody else, with the proof that it was sent so, to whoever runs the relay. @module */
import type { SlashCommand } from "../command.ts";
import { loadModeration } from "../late.ts";
import { lineAndText } from "../line_words.ts";

/** The newest line of the others unless another one is named. */
export const report: SlashCommand = {
  name: "report",
  args: "[-line] [reason]",
  summary: "show a line of somebody else to whoever runs the relay",
  more: [
    "Without a line: the newest of the others; -2 is the second newest of theirs, and so on. Whoever runs the relay sees this",
    "line alone, what it was changed to, who sent it, and that you report it. Nothing that was not said can be reported.",
    "What was read here can be for 7 days. /block NAME keeps more of them away.",
  ],
  words: [[]],
  count: [0, Infinity],
  // The reason is about what was said: not for the file of typed lines.
  secret: true,
  async run(chat, words, textFrom) {
    const { reportLine } = await loadModeration();
    const { which, text } = lineAndText(words, textFrom);
    await reportLine(chat, which, text);
  },
};
