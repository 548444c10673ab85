/**
 * Whom a word means: a contact by name, or an account by id.
 * @module
 */
import { parseAccountId } from "../crypto/account.ts";
import { QightError } from "../proto/errors.ts";
import { contactName, type Contacts, isShortId, looksLikeId } from "./contacts.ts";

/** A word that was understood: an id with its account (hash, 32 bytes), or what may be a contact's name. */
export type Who = { readonly account: Uint8Array } | { readonly name: string };

/** Understands a word without looking anything up; `bad_id` when it can be neither. */
export function parseWho(word: string): Who {
  if (isShortId(word)) return { name: word };
  if (looksLikeId(word)) return { account: parseAccountId(word) };
  try {
    return { name: contactName(word) };
  } catch (cause) {
    throw new QightError("bad_id", `"${word}" is neither an id nor the name of a contact`, {
      cause,
      hint: "An id begins with qid1, copy it whole; qight contact list shows the names.",
    });
  }
}

/** The account to write to: `key_changed` or `blocked` (77) where its contact says no. */
export async function recipientOf(who: Who, contacts: Contacts): Promise<Uint8Array> {
  if ("name" in who) return await contacts.reachable(who.name);
  await contacts.refuseBlocked(who.account);
  return who.account;
}

/** The account that is meant, to look at or to choose by; `no_such_contact` for a name that is not known. */
export async function accountOf(who: Who, contacts: Contacts): Promise<Uint8Array> {
  return "name" in who ? (await contacts.get(who.name)).account : who.account;
}
