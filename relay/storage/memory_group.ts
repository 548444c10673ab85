/**
 * One group as it lies in memory, and what it takes up.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import type { NewCommit, Pair, StoredCommit, StoredWelcome } from "./group_store.ts";

/** What holds during one epoch. */
export interface State {
  roster: Uint8Array[];
  readonly groupInfo: Uint8Array;
}

/** A commit in the log. */
export interface Logged extends StoredCommit {
  readonly hash: Uint8Array;
  readonly untilMs: number;
}

/** A group with everything that it keeps. */
export interface Group {
  readonly name: Uint8Array;
  readonly suite: number;
  readonly creator: Uint8Array; // account
  readonly creatorDevice: Uint8Array;
  readonly direct: Pair | null;
  epoch: number;
  now: State;
  /** What held before the newest commit, while it may still be taken back. */
  before: State | null;
  log: Logged[];
  readonly joinKeys: Map<string, number>;
  readonly reporters: Set<string>;
  readonly welcomes: Map<string, StoredWelcome & { readonly untilMs: number }>;
}

/** What a group keeps, in bytes; a Welcome counts once. */
export function bytesOf({ now, before, log, welcomes }: Group): number {
  const logged = log.reduce((sum, { commit }) => sum + commit.length, 0);
  const welcome = new Set([...welcomes.values()].map((one) => one.welcome));
  const waiting = [...welcome].reduce((sum, { length }) => sum + length, 0);
  return sizeOf(now) + (before ? sizeOf(before) : 0) + logged + waiting;
}

/** What an epoch keeps, in bytes. */
export function sizeOf({ roster, groupInfo }: State): number {
  return roster.length * 32 + groupInfo.length;
}

/** Adds a commit to the log; the oldest go while it is larger than `maxBytes`. */
export function logCommit(group: Group, commit: NewCommit, maxBytes: number): void {
  const { epoch, device, commitHash: hash, acceptedAtMs, logUntilMs: untilMs } = commit;
  group.log.push({ epoch, device: device.slice(), commit: commit.commit.slice(), acceptedAtMs, hash, untilMs });
  let size = group.log.reduce((sum, one) => sum + one.commit.length, 0);
  while (size > maxBytes && group.log.length > 1) size -= group.log.shift()!.commit.length;
}

/** Takes a device off the roster of now and of before. */
export function takeOff(group: Group, device: Uint8Array): void {
  for (const state of [group.now, group.before]) {
    if (state) state.roster = state.roster.filter((each) => !equal(each, device));
  }
  group.welcomes.delete(device.toHex());
}
