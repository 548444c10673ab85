/**
 * Accounts that are gone for good, as this device knows them: their signed word is kept, so that nobody has to be asked
 * again and what it says can be shown.
 * @module
 */
import type { VerifiedAccountEnd } from "../crypto/account_end.ts";
import type { Tables } from "./storage/store.ts";

const PREFIX = "account_end:";

/** Inside a transaction: notes that an account has ended. */
export function noteEnd({ meta }: Pick<Tables, "meta">, { account, bytes }: VerifiedAccountEnd): void {
  meta.put(PREFIX + account.toHex(), bytes);
}

/** Whether an account (hash, 32 bytes) is known to have ended. */
export function hasEnded({ meta }: Pick<Tables, "meta">, account: Uint8Array): boolean {
  return meta.get(PREFIX + account.toHex()) !== null;
}
