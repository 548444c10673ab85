/** `/block`: nothing more of somebody. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";
import { loadModeration } from "../late.ts";

/** Blocks, or lifts the block. */
export const block: SlashCommand = {
  name: "block",
  args: "<name> [--undo]",
  summary: "show nothing more of a contact; --undo lifts it",
  more: [
    "The relay then refuses what they send to you, and their qight says so. What they say in a group is thrown away here,",
    "unseen.",
  ],
  words: ["contact", ["--undo"]],
  count: [1, 2],
  async run(chat, [name, undo]) {
    if (undo !== undefined && undo !== "--undo") {
      throw new QightError("usage", `It is /block ${name} --undo`, { hint: "" });
    }
    const { contacts } = chat.messenger;
    const contact = await contacts.get(name);
    if (!undo) await chat.confirm(`Nothing that ${contact.name} sends from now on is shown.`, contact.name);
    const { blockContact } = await loadModeration();
    await blockContact(chat, contact.name, !undo);
  },
};
