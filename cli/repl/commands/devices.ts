/** `/devices`: the devices of the own account. @module */
import type { SlashCommand } from "../command.ts";
import { loadAccount } from "../late.ts";

/** In the order in which they came. */
export const devices: SlashCommand = {
  name: "devices",
  summary: "list the devices of your account",
  more: ["/link CODE lets another one in, /revoke NAME takes one off for good."],
  async run(chat) {
    const { showDevices } = await loadAccount();
    await showDevices(chat);
  },
};
