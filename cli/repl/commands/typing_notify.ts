/** `/typing-notify`: whether others see that you are typing. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";

/** Off at the start of each chat: whether somebody is at the keyboard is nobody's business unasked. */
export const typingNotify: SlashCommand = {
  name: "typing-notify",
  args: "on|off",
  summary: "show the others here while you type (off at first)",
  words: [["on", "off"]],
  count: [1, 1],
  run(chat, [word]) {
    if (word !== "on" && word !== "off") {
      throw new QightError("usage", "It is /typing-notify on or /typing-notify off", { hint: "" });
    }
    chat.typingNotify = word === "on";
    chat.screen.note(word === "on" ? "the others see while you type" : "nobody sees any more that you type");
    return Promise.resolve();
  },
};
