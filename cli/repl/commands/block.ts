/** `/block`: nothing more of somebody. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";

/** Blocks, or lifts the block. */
export const block: SlashCommand = {
  name: "block",
  args: "<name> [--undo]",
  summary: "show nothing more of a contact; --undo lifts it",
  more: ["What a blocked contact sends is taken in and thrown away unseen; they are not told."],
  words: ["contact", ["--undo"]],
  count: [1, 2],
  async run(chat, [name, undo]) {
    if (undo !== undefined && undo !== "--undo") {
      throw new QightError("usage", `It is /block ${name} --undo`, { hint: "" });
    }
    const { contacts } = chat.messenger;
    const contact = await contacts.get(name);
    if (!undo) await chat.confirm(`What ${contact.name} sends from now on is thrown away unseen.`, contact.name);
    await contacts.block(contact.name, !undo);
    chat.screen.note(undo ? `${contact.name} is not blocked any more` : `${contact.name} is blocked`);
  },
};
