/**
 * Sessions of the store that forgets everything at exit, and when devices were last here.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import type { StoredSession } from "./account_store.ts";
import { SEEN_EVERY_MS } from "./sqlite_sessions.ts";

/** Sessions by device; the same answers as the SQLite table's. */
export class MemorySessions {
  readonly #kept = new Map<string, StoredSession>();
  readonly #seen = new Map<string, number>();

  /** Replaces the one of that device. */
  put(session: StoredSession): void {
    this.#kept.set(session.device.toHex(), session);
  }

  /** By the token's hash; null for an unknown one. */
  get(tokenHash: Uint8Array): StoredSession | null {
    return [...this.#kept.values()].find((one) => equal(one.tokenHash, tokenHash)) ?? null;
  }

  /** Those of an account whose time is not over, oldest first. */
  of(account: Uint8Array, nowMs: number): StoredSession[] {
    return [...this.#kept.values()].filter((one) => equal(one.account, account) && one.expiresAtMs > nowMs)
      .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.device.toHex() < b.device.toHex() ? -1 : 1));
  }

  /** Never moves an end nearer. */
  touch(tokenHash: Uint8Array, expiresAtMs: number): void {
    const found = this.get(tokenHash);
    if (found) this.put({ ...found, expiresAtMs: Math.max(found.expiresAtMs, expiresAtMs) });
  }

  /** False when there was none. */
  end(account: Uint8Array, device: Uint8Array): boolean {
    const found = this.#kept.get(device.toHex());
    return found !== undefined && equal(found.account, account) && this.#kept.delete(device.toHex());
  }

  /** Ends all sessions of an account but the one of `keep`. */
  endAll(account: Uint8Array, keep: Uint8Array | null): void {
    for (const [key, session] of this.#kept) {
      if (equal(session.account, account) && key !== keep?.toHex()) this.#kept.delete(key);
    }
  }

  /** A device is listed no more, or by another account. */
  drop(device: Uint8Array): void {
    this.#kept.delete(device.toHex());
    this.#seen.delete(device.toHex());
  }

  /** A device was here. */
  seen(device: Uint8Array, atMs: number): void {
    if (atMs >= this.lastSeen(device) + SEEN_EVERY_MS) this.#seen.set(device.toHex(), atMs);
  }

  /** When a device was last here; 0 for one that never was. */
  lastSeen(device: Uint8Array): number {
    return this.#seen.get(device.toHex()) ?? 0;
  }

  /** Forgets those whose time is over. */
  collect(nowMs: number): void {
    for (const [key, { expiresAtMs }] of this.#kept) if (expiresAtMs <= nowMs) this.#kept.delete(key);
  }
}
