/** `/update-key`: new keys in the open conversation. @module */
import type { SlashCommand } from "../command.ts";
import { conversationGroup, groupsOf } from "../group_words.ts";

/** Whoever copied the keys of this device before is locked out from then on. */
export const updateKey: SlashCommand = {
  name: "update-key",
  summary: "renew your keys in the open conversation",
  more: ["Every commit renews them anyway; this does it now. /rotate-keys publishes a new key for sealed mail."],
  async run(chat) {
    await groupsOf(chat).renewKeys(await conversationGroup(chat));
    chat.screen.note(`your keys in ${await chat.titleOf(chat.openKey())} are new`);
  },
};
