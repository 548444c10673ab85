/** Devices, messages and accounts of the contracts of stores. @module */
import assert from "node:assert/strict";
import type { Enqueued, NewMessage, Store, StoredBundle, StoreLimits } from "../../relay/storage/store.ts";

/** Clock of the suite. */
export const T = 1_800_000_000_000;

/** Limits that no row reaches by accident. */
export const roomy: StoreLimits = { maxQueue: 10_000, maxQueueBytes: 1 << 26, maxTotal: 1 << 30 };

/** 32 bytes that begin with two numbers. */
export function key(kind: number, n: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(kind);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

/** The n-th device of the suite. */
export const device = (n: number): Uint8Array => key(1, n);

/** A message with everything given but what a row changes; its envelope holds `size` bytes. */
export function message(to: number, n: number, change: Partial<NewMessage> & { size?: number } = {}): NewMessage {
  const { size = 100, ...rest } = change;
  return {
    recipient: device(to),
    sender: key(2, 0),
    id: key(3, n).subarray(0, 16),
    bodyHash: key(4, n),
    envelope: new Uint8Array(size).fill(n),
    createdAtMs: T,
    receivedAtMs: T,
    expiresAtMs: T + 1_000,
    tombstoneUntilMs: T + 5_000,
    ...rest,
  };
}

/** An account with these devices. */
export function bundle(account: number, devices: readonly number[], version = 1): StoredBundle {
  return {
    account: key(5, account),
    version,
    bundle: new Uint8Array([account, version]),
    devices: devices.map(device),
  };
}

/** A store with accounts 1 and 2, which have devices 1 and 2. */
export async function withMailboxes(store: Store): Promise<Store> {
  for (const n of [1, 2]) assert.equal((await store.putBundle(bundle(n, [n]), 0)).kind, "stored");
  return store;
}

/** Sends n messages to device `to` and says what became of them. */
export function sendMany(store: Store, to: number, count: number, from = 1): Promise<Enqueued[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => store.enqueue(message(to, from + i))));
}

/** Sequence numbers of everything that lies in a mailbox. */
export async function seqs(store: Store, to: number, nowMs = T): Promise<number[]> {
  const page = await store.fetch(device(to), 0, 100_000, 1 << 30, nowMs);
  return page.messages.map(({ seq }) => seq);
}
