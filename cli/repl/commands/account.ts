/** `/account`: the own account as the relay has it. @module */
import type { SlashCommand } from "../command.ts";
import { loadAccount } from "../late.ts";

/** Name, id, devices, recovery codes left. */
export const account: SlashCommand = {
  name: "account",
  summary: "show your name, id, devices and recovery codes left",
  more: ["qight account registers a name, signs in and out, and changes the password."],
  async run(chat) {
    const { showAccount } = await loadAccount();
    await showAccount(chat);
  },
};
