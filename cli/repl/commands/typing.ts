/** `/typing`: tells the others that you are typing. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";
import { typingNow } from "../doings.ts";

/** Once; `/typing-notify` does it by itself. */
export const typing: SlashCommand = {
  name: "typing",
  args: "[off]",
  summary: "tell the others here that you are typing",
  words: [["off"]],
  count: [0, 1],
  run(chat, [word]) {
    if (word !== undefined && word !== "off") {
      throw new QightError("usage", "It is /typing or /typing off", { hint: "" });
    }
    chat.openKey();
    typingNow(chat, word === undefined);
    return Promise.resolve();
  },
};
