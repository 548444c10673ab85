/**
 * Accounts of the contract suite: names, sessions, what is kept for recovery, lists as parts of larger changes.
 * @module
 */
import type {
  BundleStep,
  NamedAccount,
  NoticeTimes,
  StoredBundle,
  StoredRecovery,
  StoredSession,
} from "../../relay/storage/store.ts";
import { device, key, T } from "./store_scene.ts";

/** An hour in milliseconds. */
export const HOUR = 3600_000;

/** When groups are told, in this suite. */
export const times = (): NoticeTimes => ({ nowMs: T, noticeUntilMs: T + HOUR });

/** A bundle as a part of a larger change. */
export const step = (put: StoredBundle, expectedVersion: number, moving: Uint8Array | null = null): BundleStep => (
  { put, expectedVersion, change: { moving, ...times() } }
);

/** The n-th account says that it ends. */
export const end = (n: number): Uint8Array => new Uint8Array(200).fill(n);

/** A name of the n-th account. */
export function named(n: number, folded = `name${n}`, change: Partial<NamedAccount> = {}): NamedAccount {
  const skeleton = `~${folded}`;
  return { folded, skeleton, name: folded, account: key(5, n), record: `record ${n}`, registeredAtMs: T, ...change };
}

/** A session of the n-th device, which is the n-th account's. */
export function session(n: number, change: Partial<StoredSession> = {}): StoredSession {
  const [tokenHash, account] = [key(31, n), key(5, n)];
  return { tokenHash, device: device(n), account, createdAtMs: T, expiresAtMs: T + HOUR, ...change };
}

/** What the n-th account keeps for its recovery, with two codes of this set. */
export function keeping(n: number, set = n, change: Partial<StoredRecovery> = {}): StoredRecovery {
  const codes = [0, 1].map((i) => ({ locatorHash: locator(set, i), wrapped: new Uint8Array(72).fill(set * 2 + i) }));
  return {
    account: key(5, n),
    device: device(n),
    sealed: new Uint8Array(300).fill(set),
    codes,
    madeAtMs: T + set,
    ...change,
  };
}

/** The i-th locator hash of a set of codes. */
export const locator = (set: number, i: number): Uint8Array => key(32, set * 10 + i);
