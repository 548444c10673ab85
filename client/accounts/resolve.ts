/**
 * Names that a relay knows: they stand for an account until it is pinned as a contact, and never again.
 * @module
 */
import { readName } from "../../crypto/account_name.ts";
import { equal } from "../../crypto/equal.ts";
import { asQightError } from "../../proto/errors.ts";
import { AccountCalls } from "../account_calls.ts";
import type { Contact, Contacts } from "../contacts.ts";
import type { Rpc } from "../rpc.ts";

/** The account (hash) that the relay names so; null when it names none, or the word can be no name of an account. */
export async function resolveName(relay: { readonly rpc: Rpc }, word: string): Promise<Uint8Array | null> {
  try {
    return await new AccountCalls(relay.rpc).resolveName(readName(word));
  } catch (thrown) {
    // An older relay knows no names.
    if (!["bad_name", "unknown_method"].includes(asQightError(thrown).code)) throw thrown;
    return null;
  }
}

/** Somebody who was met by the relay's word for a name. */
export interface Met {
  readonly account: Uint8Array; // account hash, 32 bytes
  /** The contact that pins it; null for oneself. */
  readonly contact: Contact | null;
  /** Whether it was pinned just now. */
  readonly fresh: boolean;
}

/** Whom the relay names so, pinned as a contact on first use; null when it names nobody. */
export async function meetByName(
  relay: { readonly rpc: Rpc },
  { contacts, own, word }: { readonly contacts: Contacts; readonly own: Uint8Array; readonly word: string },
): Promise<Met | null> {
  const account = await resolveName(relay, word);
  if (!account) return null;
  if (equal(account, own)) return { account, contact: null, fresh: false };
  const known = await contacts.ofAccount(account);
  if (known) return { account, contact: known, fresh: false };
  return { account, contact: await contacts.add(word, account), fresh: true };
}
