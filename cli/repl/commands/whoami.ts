/** `/whoami`: what others call you. @module */
import type { SlashCommand } from "../command.ts";

/** The own id, device and relay. */
export const whoami: SlashCommand = {
  name: "whoami",
  summary: "show your own id, which others write to",
  async run(chat) {
    const { identity, relayAddress } = chat.messenger;
    await chat.screen.show(`${identity.account.id}\ndevice  ${identity.fingerprint}\nrelay   ${relayAddress}`);
  },
};
