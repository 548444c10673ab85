/** `/link`: another device into the own account. @module */
import type { SlashCommand } from "../command.ts";
import { loadAccount } from "../late.ts";

/** Shows both fingerprints and asks for the new device's name. */
export const link: SlashCommand = {
  name: "link",
  args: "<code> [--no-history]",
  summary: "let another device into your account; TAB completes words",
  more: [
    "On the new device: qight device link prints the code, twelve words, and waits. Here compare the fingerprint with the one",
    "that it shows. It gets your conversations, contacts and history; --no-history keeps the history here.",
  ],
  words: ["invite word"],
  count: [1, 25],
  secret: true,
  async run(chat, words) {
    await (await loadAccount()).letDeviceIn(chat, words);
  },
};
