/** `/delete-account`: the end of the own account at the relay. @module */
import type { SlashCommand } from "../command.ts";
import { loadAccount } from "../late.ts";

/** Asks for the account's name, or its id where it has none; the chat ends with it. */
export const deleteAccount: SlashCommand = {
  name: "delete-account",
  summary: "delete your account at the relay, for ever",
  more: [
    "Nobody can undo it: all devices, what waits for them and the recovery codes go, and contacts see that it is gone.",
  ],
  async run(chat) {
    await (await loadAccount()).deleteAccount(chat);
    return "quit";
  },
};
