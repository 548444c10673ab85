/** Whom a word on the command line means: a contact by name, or an account by id. @module */
import { Contacts } from "../client/contacts.ts";
import { systemClock } from "../client/clock.ts";
import type { ClientStore } from "../client/storage/store.ts";
import { accountOf, parseWho } from "../client/who.ts";
import { type Identity, openIdentity } from "./identity.ts";
import { openStore } from "./messenger.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

export { accountOf, parseWho, recipientOf, type Who } from "../client/who.ts";

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
