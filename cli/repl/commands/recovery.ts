/** `/recovery`: new recovery codes. @module */
import type { SlashCommand } from "../command.ts";
import { loadAccount } from "../late.ts";

/** Asks first: the codes from before end. */
export const recovery: SlashCommand = {
  name: "recovery",
  summary: "make eight new recovery codes; the old ones end",
  more: [
    "Each lets you in again once when all devices are lost (qight account recover), and brings back the account with its",
    "contacts and groups. They are shown once.",
  ],
  async run(chat) {
    await (await loadAccount()).newRecoveryCodes(chat);
  },
};
