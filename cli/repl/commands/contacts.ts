/** `/contacts`: names for people. @module */
import { formatAccountId, parseAccountId } from "../../../crypto/account.ts";
import { equal } from "../../../crypto/equal.ts";
import { QightError } from "../../../proto/errors.ts";
import { contactStates } from "../../contact_output.ts";
import type { Chat } from "../chat.ts";
import type { SlashCommand } from "../command.ts";

const usage = "[add <name> [id] | remove <name>]";

/** Lists, adds and removes. */
export const contacts: SlashCommand = {
  name: "contacts",
  args: "[add|remove <name>]",
  summary: "list the contacts; name somebody, forget a name",
  more: [
    `/contacts ${usage}`,
    "/contacts add NAME without an id names whoever the open conversation is with.",
  ],
  words: [["add", "remove"], "contact", "conversation"],
  count: [0, 3],
  async run(chat, [what, name, id]) {
    const { contacts } = chat.messenger;
    if (what === undefined) return await listContacts(chat);
    if (what === "add" && name !== undefined) {
      const account = id === undefined ? await chat.openPeer() : parseAccountId(id);
      if (equal(account, chat.own)) throw new QightError("usage", "That is your own id", { hint: "" });
      const contact = await contacts.add(name, account);
      chat.screen.note(`${contact.name} is ${formatAccountId(account)}; /verify ${contact.name} compares digits`);
    } else if (what === "remove" && name !== undefined && id === undefined) {
      const contact = await contacts.get(name);
      await chat.confirm(`The name ${contact.name} and what it pins will be forgotten.`, contact.name);
      await contacts.remove(contact.name);
      chat.screen.note(`${contact.name} is forgotten`);
    } else {
      throw new QightError("usage", `It is /contacts ${usage}`, { hint: "" });
    }
    await chat.refreshPrompt();
  },
};

async function listContacts(chat: Chat): Promise<void> {
  const all = await chat.messenger.contacts.list();
  if (all.length === 0) return chat.screen.note("there are no contacts yet; /contacts add NAME ID makes one");
  const lines = all.map((contact) =>
    `${chat.screen.paint.name(contact.name)}  ${formatAccountId(contact.account)}  ${contactStates(contact)}`
  );
  await chat.screen.show(lines.join("\n"));
}
