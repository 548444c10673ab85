/**
 * Accounts that are gone for good, as this device knows them: their signed word is kept, so that nobody has to be asked
 * again and what it says can be shown.
 * @module
 */
import type { VerifiedAccountEnd } from "../crypto/account_end.ts";
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import type { ClientStore, Tables } from "./storage/store.ts";

const PREFIX = "account_end:";

/** Inside a transaction: notes that an account has ended. */
function noteEnd({ meta }: Pick<Tables, "meta">, { account, bytes }: VerifiedAccountEnd): void {
  meta.put(PREFIX + account.toHex(), bytes);
}

/** Whether an account (hash, 32 bytes) is known to have ended. */
export function hasEnded({ meta }: Pick<Tables, "meta">, account: Uint8Array): boolean {
  return meta.get(PREFIX + account.toHex()) !== null;
}

/** When an account (hash, 32 bytes) ended by its own word, milliseconds since 1970; null for one that is not known to have. */
export async function endedAt({ meta }: Pick<Tables, "meta">, account: Uint8Array): Promise<number | null> {
  const kept = meta.get(PREFIX + account.toHex());
  if (!kept) return null;
  const { openAccountEnd } = await import("../crypto/account_end.ts");
  return (await openAccountEnd(kept)).endedAtMs;
}

/** Whether what a relay offers is an account's own word that it has ended; it is kept then. */
export async function keepEnd(
  store: Pick<ClientStore, "write">,
  account: Uint8Array,
  offered: Uint8Array,
): Promise<boolean> {
  const { openAccountEnd } = await import("../crypto/account_end.ts");
  try {
    const end = await openAccountEnd(offered);
    if (!equal(end.account, account)) return false;
    await store.write((tables) => noteEnd(tables, end));
    return true;
  } catch (thrown) {
    if (thrown instanceof QightError && thrown.code === "bad_bundle") return false; // not the account's word
    throw thrown;
  }
}
