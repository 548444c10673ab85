/**
 * What a roster may say after a commit, and when a commit is taken back. The relay cannot look into a commit; these rules
 * keep it from being told what no commit can do.
 * @module
 */
import type { NewCommit, Pair } from "./group_store.ts";

/** What a commit changes on the roster; keys are hex. */
export interface RosterChange {
  readonly added: readonly Uint8Array[];
  readonly removed: readonly Uint8Array[];
}

/** Compares two rosters. */
export function rosterChange(before: readonly Uint8Array[], after: readonly Uint8Array[]): RosterChange {
  const old = new Set(before.map((device) => device.toHex()));
  const now = new Set(after.map((device) => device.toHex()));
  return {
    added: after.filter((device) => !old.has(device.toHex())),
    removed: before.filter((device) => !now.has(device.toHex())),
  };
}

/** Why the new roster cannot come of this commit; null when it can. */
export function rosterFault(commit: NewCommit, { added }: RosterChange): string | null {
  const own = commit.device.toHex();
  const others = added.filter((device) => device.toHex() !== own);
  if (commit.external) {
    if (others.length > 0 || commit.welcomed.length > 0) return "Who joins by an external commit adds nobody else";
    return null;
  }
  const welcomed = new Set(commit.welcomed.map((device) => device.toHex()));
  if (others.some((device) => !welcomed.has(device.toHex()))) return "A device that is added needs a Welcome";
  return null;
}

/** Whether an account belongs to a direct conversation. */
export function inPair(pair: Pair, account: Uint8Array | null): boolean {
  return account !== null && pair.some((one) => one.toHex() === account.toHex());
}

/**
 * Notices that one change of a device list puts, at most about so many: one account may be in thousands of groups, and all
 * of it is one transaction, which nobody else's message gets into (20,000 took 0.4 s). Any member can see to the change, so
 * it is enough that some of each group hear of it.
 */
const noticesAtOnce = 5_000;

/** How many members of each group are told when so many groups are to be told at once. */
export function mostToldOf(groups: number): number {
  return Math.max(1, Math.floor(noticesAtOnce / Math.max(1, groups)));
}

/** What a decision about a reported commit rests on; accounts are hex. */
export interface Reports {
  readonly reporters: ReadonlySet<string>;
  /** Accounts on the roster that the commit ended. */
  readonly before: ReadonlySet<string>;
  /** Accounts on the roster now. */
  readonly after: ReadonlySet<string>;
  readonly committer: string | null;
  readonly creator: string;
}

/**
 * Whether a reported commit is taken back. The creator's word is enough; else it takes more than half of the accounts that
 * were there, the committer's apart. Who was removed by the commit may have a reason to undo it: without anybody who
 * stays they cannot.
 */
export function isTakenBack({ reporters, before, after, committer, creator }: Reports): boolean {
  const others = [...before].filter((account) => account !== committer);
  const reported = others.filter((account) => reporters.has(account));
  if (reported.includes(creator)) return true;
  return reported.length * 2 > others.length && reported.some((account) => after.has(account));
}
