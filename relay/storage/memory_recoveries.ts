/**
 * What is kept for recovery, in the store that forgets everything at exit.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import type { FoundRecovery, StoredRecovery } from "./account_store.ts";

/** Recoveries by account; the same answers as SQLite's. */
export class MemoryRecoveries {
  readonly #all = new Map<string, StoredRecovery>();

  /** What an account keeps, or null. */
  of(account: Uint8Array): StoredRecovery | null {
    return this.#all.get(account.toHex()) ?? null;
  }

  /** What the code with this hash of a locator opens, or null. */
  find(locatorHash: Uint8Array): FoundRecovery | null {
    for (const { account, sealed, codes } of this.#all.values()) {
      const code = codes.find((one) => equal(one.locatorHash, locatorHash));
      if (code) return { account, sealed, wrapped: code.wrapped };
    }
    return null;
  }

  /** A locator that is there twice, or that somebody else has, fails the whole change, as SQLite's key makes it. */
  check({ account, codes }: StoredRecovery): void {
    const others = [...this.#all.values()].filter((one) => !equal(one.account, account)).flatMap((one) => one.codes);
    const all = [...others, ...codes].map(({ locatorHash }) => locatorHash.toHex());
    if (new Set(all).size < all.length) throw new QightError("internal", "The locator of a recovery code is taken");
  }

  /** Replaces all of an account. */
  put(keeping: StoredRecovery): void {
    this.#all.set(keeping.account.toHex(), keeping);
  }

  /** The codes that this device made for an account are worth nothing any more. */
  dropMadeBy(device: Uint8Array, account: Uint8Array): void {
    const kept = this.of(account);
    if (kept && equal(kept.device, device)) this.drop(account);
  }

  /** Nothing is left of an account. */
  drop(account: Uint8Array): void {
    this.#all.delete(account.toHex());
  }
}
