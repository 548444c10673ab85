/** Whom a word in a chat means. @module */
import type { Contacts } from "../../client/contacts.ts";
import { accountOf, parseWho } from "../who.ts";

/** Words for the conversation with oneself, unless a contact has that name. */
const OWN_NAMES = ["me", "notes"];

/** The account (hash, 32 bytes) of a contact, of an id, or the own one; `no_such_contact` and `bad_id` otherwise. */
export async function whom(word: string, contacts: Contacts, own: Uint8Array): Promise<Uint8Array> {
  const who = parseWho(word);
  if ("name" in who && isOwnName(who.name)) {
    const taken = (await contacts.list()).some(({ name }) => name.toLowerCase() === who.name.toLowerCase());
    if (!taken) return own;
  }
  return await accountOf(who, contacts);
}

/** Whether a word is one for oneself. */
export function isOwnName(word: string): boolean {
  return OWN_NAMES.includes(word.toLowerCase());
}
