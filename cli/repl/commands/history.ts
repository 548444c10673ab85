/** `/history`: the last lines of the open conversation. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";
import { readNow } from "../doings.ts";

const USUAL = 20;
const MOST = 1000;

/** Twenty lines unless a number is given. */
export const historyCommand: SlashCommand = {
  name: "history",
  aliases: ["hist"],
  args: "[number]",
  summary: "show the last 20 lines, or so many",
  count: [0, 1],
  async run(chat, [word]) {
    const limit = word === undefined ? USUAL : Number(word);
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST) {
      throw new QightError("usage", `/history takes a number from 1 to ${MOST}, not "${word}"`, { hint: "" });
    }
    const lines = await chat.history.last(chat.openKey(), limit);
    if (lines.length === 0) return chat.screen.note("nothing was said here yet");
    await chat.showLines(lines);
    await readNow(chat, lines);
    await chat.refreshPrompt();
  },
};
