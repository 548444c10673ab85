/** People whom only the relay's word names yet: the first time pins them, and says so. @module */
import type { Contacts } from "../client/contacts.ts";
import type { RelayClient } from "../client/relay_client.ts";
import { formatAccountId } from "../crypto/account.ts";
import { asQightError } from "../proto/errors.ts";
import { parseWho } from "./who.ts";

/** Who is asking, and who hears of a new contact. */
export interface Asking {
  readonly contacts: Contacts;
  /** Own account hash, 32 bytes. */
  readonly own: Uint8Array;
  readonly note: (text: string) => void;
}

/** The word under which whom the relay names so is found from now on, pinned as a contact; null when it names nobody. */
export async function metByName(relay: RelayClient, word: string, asking: Asking): Promise<string | null> {
  const { contacts, own, note } = asking;
  const { meetByName } = await import("../client/accounts/resolve.ts"); // seldom needed, with messages of its own
  const met = await meetByName(relay, { contacts, own, word });
  if (met === null) return null;
  if (met.contact === null) return formatAccountId(own);
  const { name } = met.contact;
  if (met.fresh) note(`${name} is ${formatAccountId(met.account)}, says the relay: a contact now, not verified`);
  else note(`${word} is your contact ${name}`);
  return name;
}

/** What `find` answers for each word, in their order; what cannot be a name or an id is refused before anybody is pinned. */
export async function eachWord<T>(words: readonly string[], find: (word: string) => Promise<T>): Promise<T[]> {
  for (const word of words) parseWho(word);
  const found = [];
  for (const word of words) found.push(await find(word));
  return found;
}

/**
 * What `find` answers for a word; where no contact is called so, for the word that `meet` answers. `no_such_contact` stays
 * when that is null.
 */
export async function knownOrMet<T>(
  word: string,
  find: (word: string) => Promise<T>,
  meet: () => Promise<string | null>,
): Promise<T> {
  try {
    return await find(word);
  } catch (thrown) {
    const named = asQightError(thrown).code === "no_such_contact" ? await meet() : null;
    if (named === null) throw thrown;
    return await find(named);
  }
}
