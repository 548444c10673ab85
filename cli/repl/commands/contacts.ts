/** `/contacts`: names for people. @module */
import { formatAccountId } from "../../../crypto/account.ts";
import { equal } from "../../../crypto/equal.ts";
import { QightError } from "../../../proto/errors.ts";
import { contactStates } from "../../contact_output.ts";
import { parseWho } from "../../who.ts";
import type { Chat } from "../chat.ts";
import type { SlashCommand } from "../command.ts";
import { loadModeration } from "../late.ts";

const usage = "[add <name> [id|old name] | remove <name>]";

/** Lists, adds and removes. */
export const contacts: SlashCommand = {
  name: "contacts",
  args: "[add|remove <name>]",
  summary: "list the contacts; name somebody, forget a name",
  more: [
    `/contacts ${usage}`,
    "/contacts add NAME without an id names whoever the open conversation is with; with the name of a contact in its",
    "place that one is renamed, and stays verified.",
  ],
  words: [["add", "remove"], "contact", "conversation"],
  count: [0, 3],
  async run(chat, [what, name, id]) {
    const { contacts } = chat.messenger;
    if (what === undefined) return await listContacts(chat);
    if (what === "add" && name !== undefined) {
      const who = id === undefined ? { account: await chat.openPeer() } : parseWho(id);
      if ("name" in who) {
        const { name: old } = await contacts.get(who.name);
        chat.screen.note(`${old} is ${(await contacts.rename(old, name)).name} now`);
        return await chat.refreshPrompt();
      }
      const { account } = who;
      if (equal(account, chat.own)) throw new QightError("usage", "That is your own id", { hint: "" });
      const contact = await contacts.add(name, account);
      chat.screen.note(`${contact.name} is ${formatAccountId(account)}; /verify ${contact.name} compares digits`);
    } else if (what === "remove" && name !== undefined && id === undefined) {
      const contact = await contacts.get(name);
      await chat.confirm(`The name ${contact.name} and what it pins will be forgotten.`, contact.name);
      // The relay would refuse them for good: nobody could lift the block by the name later.
      if (contact.blocked) await (await loadModeration()).blockContact(chat, contact.name, false);
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
