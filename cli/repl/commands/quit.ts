/** `/quit`: the end. @module */
import type { SlashCommand } from "../command.ts";

/** Like ^D. */
export const quit: SlashCommand = {
  name: "quit",
  aliases: ["exit", "q"],
  summary: "end the chat; ^D does too",
  run: () => Promise.resolve("quit"),
};
