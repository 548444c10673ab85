/**
 * A group of the contract suite: its members, commits, messages, and how rows look at it.
 * @module
 */
import assert from "node:assert/strict";
import type { Committed, GroupBounds, NewCommit, NewGroup, NewGroupMessage, Store } from "../../relay/storage/store.ts";
import { bundle, device, key, message, T } from "./store_scene.ts";

/** Bounds that no row reaches by accident. */
export const bounds: GroupBounds = { maxGroups: 100, maxLogBytes: 1 << 20 };

/** Id of the suite's group. */
export const NAME = key(20, 1);
/** A day in milliseconds. */
export const DAY = 24 * 3600_000;

/** A group of the first device. */
export function group(change: Partial<NewGroup> = {}): NewGroup {
  return {
    group: NAME,
    suite: 83,
    device: device(1),
    account: key(5, 1),
    direct: null,
    groupInfo: new Uint8Array(200).fill(1),
    ...change,
  };
}

/** A commit by the first device at this epoch, to this roster; devices that are new get a Welcome. */
export function commit(
  epoch: number,
  roster: readonly number[],
  change: Partial<NewCommit> & { readonly welcomes?: readonly number[] } = {},
): NewCommit {
  const { welcomes = [], ...rest } = change;
  const bytes = new Uint8Array(300).fill(epoch + 1);
  return {
    group: NAME,
    epoch,
    device: device(1),
    commit: bytes,
    commitHash: key(21, epoch),
    external: false,
    joinKeyHash: null,
    welcome: welcomes.length > 0 ? new Uint8Array(400).fill(epoch + 1) : null,
    welcomed: welcomes.map(device),
    groupInfo: new Uint8Array(200).fill(epoch + 2),
    roster: roster.map(device),
    acceptedAtMs: T,
    logUntilMs: T + 30 * DAY,
    welcomeUntilMs: T + 90 * DAY,
    noticeUntilMs: T + DAY,
    ...rest,
  };
}

/** A message of device `from` to the group. */
export function said(
  n: number,
  epoch: number,
  change: Partial<NewGroupMessage> & { size?: number } = {},
): NewGroupMessage {
  return { ...message(1, n, { recipient: NAME, sender: device(1), ...change }), epoch };
}

/** Accounts 1 to `count` with a device each, and a group of all of them at epoch 1. */
export async function withGroup(store: Store, count: number): Promise<Store> {
  const all = Array.from({ length: count }, (_, i) => i + 1);
  for (const n of all.slice(2)) assert.equal((await store.putBundle(bundle(n, [n]), 0)).kind, "stored");
  assert.equal(await store.groups.create(group(), bounds), "stored");
  accepted(await store.groups.commit(commit(0, all, { welcomes: all.slice(1) }), bounds));
  for (const n of all) {
    const { lastSeq } = await store.fetch(device(n), 0, 1, 1, T);
    if (lastSeq > 0) await store.acknowledge(device(n), [{ first: 1, last: lastSeq }]);
  }
  return store;
}

/** Fails unless a commit was accepted; answers to whom which notices went. */
export function accepted(outcome: Committed): Record<string, string> {
  assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
  if (outcome.kind !== "accepted") throw new Error("not reached");
  return Object.fromEntries(outcome.notices.map(({ device, notice }) => [numberOf(device), notice.kind]));
}

/** The number that a key of the suite begins with. */
export const numberOf = (of: Uint8Array) => new DataView(of.buffer, of.byteOffset).getUint32(0);

/** What became of a message at each member, or of the whole. */
export async function kindsFor(store: Store, said: NewGroupMessage): Promise<unknown> {
  const outcome = await store.groups.enqueue(said);
  return outcome.kind === "offered" ? outcome.members.map(({ outcome }) => outcome.kind) : outcome;
}

/** A join key by the first device. */
export const joinKey = (n: number, change: Partial<Parameters<Store["groups"]["putJoinKey"]>[0]> = {}) => ({
  group: NAME,
  device: device(1),
  keyHash: key(23, n),
  nowMs: T,
  expiresAtMs: T + 1_000,
  max: 5,
  ...change,
});

/** The n-th device asks for the group. */
export const asking = (n: number, change: { joinKeyHash?: Uint8Array; nowMs?: number } = {}) => (
  { device: device(n), joinKeyHash: null, nowMs: T, ...change }
);

/** The epoch that the oldest commit of the log ended. */
export const oldest = async (store: Store) => (await store.groups.commits(NAME, device(2), 0, 1, 1))?.oldest;

/** The n-th device reports the commit that ended epoch 1. */
export const report = (store: Store, n: number, change: { epoch?: number; commitHash?: Uint8Array } = {}) =>
  store.groups.report({
    group: NAME,
    device: device(n),
    epoch: 1,
    commitHash: key(21, 1),
    nowMs: T,
    noticeUntilMs: T + DAY,
    ...change,
  });
