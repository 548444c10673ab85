/** `/revoke`: a device off the own account. @module */
import type { SlashCommand } from "../command.ts";
import { loadAccount } from "../late.ts";

/** Asks for the device's name. */
export const revoke: SlashCommand = {
  name: "revoke",
  args: "<device>",
  summary: "take a lost device off your account, for good",
  more: [
    "DEVICE is a name or a fingerprint, or how one of them begins; /devices lists them. Its sessions end at once, its mail at",
    "the relay is dropped, and it leaves all conversations. It comes back by a link alone.",
  ],
  words: [[]],
  count: [1, 1],
  async run(chat, [device]) {
    await (await loadAccount()).revoke(chat, device);
  },
};
