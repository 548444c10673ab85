/** `/rotate-keys`: a new sealing key. @module */
import type { SlashCommand } from "../command.ts";

/** Like `qight key rotate`, over the session of the chat. */
export const rotateKeys: SlashCommand = {
  name: "rotate-keys",
  summary: "publish a new sealing key now",
  async run(chat) {
    const relay = await chat.relay();
    await chat.messenger.publish(relay, { rotate: true });
    chat.screen.note("a new sealing key is published; what was sealed to the old one can still be read for a while");
  },
};
