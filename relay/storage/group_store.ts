/**
 * What the relay asks of its storage about groups: who is on the roster, which commit ended which epoch, and messages that
 * are stored once and delivered to many.
 *
 * A group id names two things that never meet: a group, and the direct conversation of two accounts, whose id anybody can
 * compute who knows both. Every call is about the one that the calling device belongs to, the direct one first, so that
 * nobody can take the id of others' conversation, or learn that there is one.
 * @module
 */
import type { Enqueued, NewMessage } from "./store.ts";

/** What happened to a group, as its members' mailboxes are told. */
export interface GroupNotice {
  readonly group: Uint8Array; // 32 bytes; zeros with key_packages, which is about no group
  readonly kind: "welcome" | "commit" | "removed" | "reopened" | "key_packages" | "members";
  /** The current epoch; with key_packages how many single-use ones are left. */
  readonly epoch: number;
}

/** A notice that was just put into a mailbox. */
export interface Noticed {
  readonly device: Uint8Array;
  readonly seq: number;
  readonly notice: GroupNotice;
  readonly receivedAtMs: number;
  readonly expiresAtMs: number;
}

/** A message to a group: `recipient` is its id. */
export interface NewGroupMessage extends NewMessage {
  /** The epoch that the message was made in. */
  readonly epoch: number;
}

/** What became of a group message at one device. */
export interface MemberEnqueued {
  readonly device: Uint8Array;
  readonly outcome: Enqueued | { readonly kind: "stale_epoch"; readonly epoch: number };
}

/** What became of a group message; `members` are all others of the roster. */
export type GroupEnqueued =
  | { readonly kind: "offered"; readonly members: readonly MemberEnqueued[] }
  | { readonly kind: "not_a_member" }
  | { readonly kind: "stale_epoch"; readonly epoch: number };

/** Both accounts of a direct conversation. */
export type Pair = readonly [Uint8Array, Uint8Array];

/** A group to begin. */
export interface NewGroup {
  readonly group: Uint8Array;
  readonly suite: number;
  readonly device: Uint8Array;
  readonly account: Uint8Array;
  readonly direct: Pair | null;
  readonly groupInfo: Uint8Array;
}

/** Most of everything; more is refused before anything changes. */
export interface GroupBounds {
  /** Groups on whose rosters one device may be. */
  readonly maxGroups: number;
  /** Bytes of a group's log; older commits go first. */
  readonly maxLogBytes: number;
}

/** Answer to a new group; the same one again is stored. */
export type GroupPut = "stored" | "exists" | "too_many" | "storage_full";

/** A commit and all that goes into force with it. */
export interface NewCommit {
  readonly group: Uint8Array;
  readonly epoch: number; // the one that it ends
  readonly device: Uint8Array;
  readonly commit: Uint8Array;
  readonly commitHash: Uint8Array; // SHA-256 of commit
  /** Whether it is one by which the device joins. */
  readonly external: boolean;
  /** SHA-256 of the join key that was shown, or null. */
  readonly joinKeyHash: Uint8Array | null;
  readonly welcome: Uint8Array | null;
  readonly welcomed: readonly Uint8Array[];
  readonly groupInfo: Uint8Array;
  readonly roster: readonly Uint8Array[];
  readonly acceptedAtMs: number;
  readonly logUntilMs: number;
  readonly welcomeUntilMs: number;
  readonly noticeUntilMs: number;
}

/** Answer to a commit. */
export type Committed =
  | { readonly kind: "accepted"; readonly epoch: number; readonly notices: readonly Noticed[] }
  | { readonly kind: "not_a_member" }
  | { readonly kind: "stale_epoch"; readonly epoch: number }
  /** A device that is new on the roster and has no mailbox. */
  | { readonly kind: "no_such_recipient"; readonly device: Uint8Array }
  /** What the roster adds does not fit the commit; says why. */
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "too_many"; readonly device: Uint8Array }
  | { readonly kind: "storage_full" };

/** An accepted commit. */
export interface StoredCommit {
  readonly epoch: number; // the one that it ended
  readonly device: Uint8Array;
  readonly commit: Uint8Array;
  readonly acceptedAtMs: number;
}

/** A stretch of the log of a group. */
export interface CommitPage {
  readonly commits: readonly StoredCommit[];
  readonly epoch: number; // the current one
  readonly oldest: number; // the first commit that is there ended this one
  /** Where the Welcome leads that waits for the asking device, or null. */
  readonly welcome: number | null;
}

/** A group as somebody sees it who may come in. */
export interface StoredGroup {
  readonly epoch: number;
  readonly suite: number;
  readonly groupInfo: Uint8Array;
  readonly roster: readonly Uint8Array[];
  readonly direct: Pair | null;
}

/** One group of a device. */
export interface ListedGroup {
  readonly group: Uint8Array;
  readonly epoch: number;
  readonly welcome: boolean;
  readonly direct: Pair | null;
}

/** A Welcome that waits. */
export interface StoredWelcome {
  readonly welcome: Uint8Array;
  readonly device: Uint8Array; // the committer
  readonly epoch: number; // where it leads
}

/** Who asks for a group, with the join key's hash if it showed one. */
export interface Asking {
  readonly device: Uint8Array;
  readonly joinKeyHash: Uint8Array | null;
  readonly nowMs: number;
}

/** Answer to a report; null when the device is no member. */
export type Reported = { readonly reopened: boolean; readonly notices: readonly Noticed[] } | null;

/** A join key by its hash. */
export interface NewJoinKey {
  readonly group: Uint8Array;
  readonly device: Uint8Array;
  readonly keyHash: Uint8Array; // 32 bytes
  readonly nowMs: number;
  readonly expiresAtMs: number;
  readonly max: number; // of one group
}

/** Answer to a join key. */
export type JoinKeyPut =
  | { readonly kind: "stored"; readonly expiresAtMs: number }
  | { readonly kind: "not_a_member" | "too_many" | "not_here" };

/** Groups, their logs and what is delivered through them. */
export interface GroupStore {
  /**
   * Delivers to every other device of the roster, in one step: the payload is stored once. Whoever has it already is a
   * duplicate, whatever the epoch; a payload goes when its last reader has acknowledged it or it has expired.
   */
  enqueue(message: NewGroupMessage): Promise<GroupEnqueued>;
  create(group: NewGroup, bounds: GroupBounds): Promise<GroupPut>;
  /** Compare-and-set on the epoch: commit, Welcome, GroupInfo, roster and notices, or nothing. */
  commit(commit: NewCommit, bounds: GroupBounds): Promise<Committed>;
  /** Commits from the one that ended `fromEpoch` on; at least one whatever `maxBytes`. Null when the device is no member. */
  commits(
    group: Uint8Array,
    device: Uint8Array,
    fromEpoch: number,
    max: number,
    maxBytes: number,
  ): Promise<CommitPage | null>;
  /**
   * Null unless the device is on the roster or its account has another device there, its account is one of a direct
   * conversation's, or its join key is good. Whoever may ask may come in by an external commit.
   */
  get(group: Uint8Array, asking: Asking): Promise<StoredGroup | null>;
  /** Other devices of the roster; null when the device is not on it. */
  others(group: Uint8Array, device: Uint8Array): Promise<Uint8Array[] | null>;
  /** The newest that waits; null when there is none, or no such group. */
  welcome(group: Uint8Array, device: Uint8Array): Promise<StoredWelcome | null>;
  /** Forgets that a Welcome to an epoch up to this one waits: the device is in. */
  welcomed(group: Uint8Array, device: Uint8Array, epoch: number): Promise<void>;
  list(device: Uint8Array): Promise<ListedGroup[]>;
  /** Takes the device off the roster; a group without members goes. False when it was not on it. */
  leave(group: Uint8Array, device: Uint8Array): Promise<boolean>;
  /**
   * Counts a report of the newest commit by a member of the epoch that it ended. When the creator's account, or more than
   * half of the accounts there (one of them still on the roster) have reported, all but the committer's, it is taken back.
   */
  report(
    report: {
      readonly group: Uint8Array;
      readonly device: Uint8Array;
      readonly epoch: number;
      readonly commitHash: Uint8Array;
      readonly nowMs: number;
      readonly noticeUntilMs: number;
    },
  ): Promise<Reported>;
  /** For a known key its first end; a direct conversation takes none (`not_here`). */
  putJoinKey(key: NewJoinKey): Promise<JoinKeyPut>;
  /** Null when the device is no member, false when there is no such key. */
  revokeJoinKey(group: Uint8Array, device: Uint8Array, keyHash: Uint8Array): Promise<boolean | null>;
}
