/** Whom a word on the command line means: a contact by name, or an account by id. @module */
import { contactName, Contacts, isShortId, looksLikeId } from "../client/contacts.ts";
import { systemClock } from "../client/clock.ts";
import type { ClientStore } from "../client/storage/store.ts";
import { parseAccountId } from "../crypto/account.ts";
import { QightError } from "../proto/errors.ts";
import { type Identity, openIdentity } from "./identity.ts";
import { openStore } from "./messenger.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

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

/** Like `accountOf` for a command that needs no store for an id. */
export async function lookUpWho(word: string, settings: Settings, out: Output): Promise<Uint8Array> {
  const who = parseWho(word);
  if ("account" in who) return who.account;
  return await withContacts(settings, out, (contacts) => accountOf(who, contacts));
}

/** Opens the own store for its contacts; no relay is needed. */
export async function withContacts<T>(
  settings: Settings,
  out: Output,
  run: (contacts: Contacts, identity: Identity, store: ClientStore) => Promise<T>,
): Promise<T> {
  const identity = await openIdentity(settings, out);
  await using store = await openStore(settings, identity);
  return await run(new Contacts(store, systemClock), identity, store);
}
