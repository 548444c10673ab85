/** `/dm`: opens the conversation with somebody. @module */
import type { SlashCommand } from "../command.ts";
import { group } from "./group.ts";

/** With oneself it is a notepad: what is written there stays in the own history and goes nowhere. */
export const dm: SlashCommand = {
  name: "dm",
  args: "<name>",
  summary: "talk to a contact or an id; me is a notepad",
  more: [
    "From then on plain text goes to them. @NAME TEXT writes to a contact without opening their lines.",
    "At a relay with names /dm finds who is called so, and keeps them as a contact.",
    "/dm me is a notepad: what you write there is kept, encrypted, on this machine, and nothing goes out.",
  ],
  words: ["contact"],
  count: [1, 1],
  async run(chat, [name], textFrom) {
    if (name.startsWith("#")) return await group.run(chat, [name], textFrom);
    await chat.openWith(await chat.whoNow(name));
  },
};
