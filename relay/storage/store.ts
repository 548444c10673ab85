/**
 * What the relay asks of its storage: mailboxes with gapless sequence numbers, a directory, tokens and allow lists, groups
 * and KeyPackages. SQLite and memory implement it; one contract suite runs over both. Services see only this file.
 * @module
 */
import type { AccountStore, BundleChange, BundleRefusal, ListChanged } from "./account_store.ts";
import type { BlobStore } from "./blob_store.ts";
import type { GroupNotice, GroupStore } from "./group_store.ts";
import type { KeyPackageStore } from "./key_package_store.ts";

export type * from "./account_store.ts";
export type * from "./blob_store.ts";
export type * from "./group_store.ts";
export type * from "./key_package_store.ts";

/** An envelope on its way into a mailbox. Keys and ids are raw bytes. */
export interface NewMessage {
  readonly recipient: Uint8Array; // device key, 32 bytes
  readonly sender: Uint8Array; // device key, 32 bytes
  readonly id: Uint8Array; // 16 bytes
  readonly bodyHash: Uint8Array; // SHA-256 of the envelope's body, 32 bytes
  readonly envelope: Uint8Array; // serialized SignedEnvelope, stored unchanged
  readonly createdAtMs: number; // the sender's clock
  readonly receivedAtMs: number; // the relay's clock
  readonly expiresAtMs: number;
  /** Dedup memory of this message lives until then, also after ack and expiry. */
  readonly tombstoneUntilMs: number;
}

/** What became of one message. Only `stored` and `duplicate` are acknowledged, and only after the commit is on disk. */
export type Enqueued =
  | { readonly kind: "stored"; readonly seq: number; readonly expiresAtMs: number }
  | { readonly kind: "duplicate"; readonly seq: number; readonly expiresAtMs: number; readonly receivedAtMs: number }
  | { readonly kind: "id_conflict" }
  | { readonly kind: "no_such_recipient" }
  | { readonly kind: "queue_full"; readonly messages: number; readonly bytes: number }
  | { readonly kind: "storage_full" };

/** One stored message. */
export interface StoredMessage {
  readonly seq: number;
  readonly receivedAtMs: number;
  readonly expiresAtMs: number;
  /** Empty with a notice. */
  readonly envelope: Uint8Array;
  /** Instead of an envelope: something happened to a group. */
  readonly notice?: GroupNotice;
}

/** What the dedup memory knows of a message, also when it is gone from the mailbox. */
export interface Tombstone {
  readonly seq: number;
  readonly bodyHash: Uint8Array; // 32 bytes
  /** 0 when it was accepted before the store kept this. */
  readonly receivedAtMs: number;
}

/** Sequence numbers, both ends included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** A page of a mailbox in order of sequence. */
export interface Page {
  readonly messages: readonly StoredMessage[];
  /** Numbers after the asked cursor that expired unread, up to the last message of the page (or the end). */
  readonly expired: readonly Range[];
  /** Highest sequence number ever given in this mailbox. */
  readonly lastSeq: number;
}

/** A published bundle, with what the relay needs to look it up. */
export interface StoredBundle {
  readonly account: Uint8Array; // account hash, 32 bytes
  readonly version: number;
  readonly bundle: Uint8Array; // serialized Bundle
  readonly devices: readonly Uint8Array[];
  readonly createdFromIp?: string;
}

/** Answer to a compare-and-set of a bundle. */
export type BundlePut = ({ readonly kind: "stored" } & ListChanged) | BundleRefusal;

/** A device's current sealing key. */
export interface StoredSealingKey {
  readonly device: Uint8Array;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly sealingKey: Uint8Array; // serialized SealingKey
}

/** An access token, known by its hash alone. */
export interface StoredToken {
  readonly id: string; // short public handle, 8 hex digits
  readonly name: string;
  readonly hash: Uint8Array; // SHA-256 of the token
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
}

/** A sealed record for one other device. */
export interface NewInvite {
  readonly locator: Uint8Array; // 32 bytes
  readonly creator: Uint8Array; // device key, 32 bytes
  readonly record: Uint8Array;
  readonly expiresAtMs: number;
}

/** How many invites of one device there may be: not claimed yet, and in all. */
export interface InviteBounds {
  readonly nowMs: number;
  readonly maxOpen: number;
  readonly maxRemembered: number;
}

/** What became of a new invite; the same one again is stored with its first end. */
export type InvitePut =
  | { readonly kind: "stored"; readonly expiresAtMs: number }
  | { readonly kind: "taken" }
  | { readonly kind: "too_many"; readonly open: number; readonly remembered: number };

/** Answer to a claim; `unknown` is also what expired or was revoked. */
export type InviteClaim =
  | { readonly kind: "claimed"; readonly record: Uint8Array }
  | { readonly kind: "used" }
  | { readonly kind: "unknown" };

/** Limits of one mailbox and of the whole store; numbers may change on reload. */
export interface StoreLimits {
  maxQueue: number; // messages per mailbox
  maxQueueBytes: number; // bytes of envelopes per mailbox
  maxTotal: number; // bytes of envelopes and files in all, and of what groups keep
}

/** Counts for metrics and status. */
export interface StoreStats {
  readonly messages: number;
  /** Of envelopes and files, and of what groups keep; a payload for many counts once. */
  readonly bytes: number;
  readonly mailboxes: number;
  readonly accounts: number;
  readonly groups: number; // direct conversations among them
  readonly commits: number; // group commits since the start
  readonly fileBytes: number; // database and write-ahead log; 0 in memory
}

/** What one round of garbage collection removed. */
export interface Collected {
  readonly expired: number;
  readonly tombstones: number;
}

/**
 * The store. Every promise that reports a change resolves after the change is durable (`durable` stores: fsynced).
 * Errors: `storage_full` leaves the store usable; `store_damaged` is final, and the relay must end with 74.
 */
export interface Store extends AsyncDisposable {
  /** False when nothing survives a restart; HELLO, health and metrics say so. */
  readonly durable: boolean;
  /** Rejects with `store_damaged` when the store can never be trusted again (I/O error, corruption, failed sync). */
  readonly failed: Promise<never>;
  readonly limits: StoreLimits;
  readonly groups: GroupStore;
  readonly keyPackages: KeyPackageStore;
  readonly blobs: BlobStore;
  readonly accounts: AccountStore;

  /** Many calls share one commit; order of calls is order of sequence numbers within a mailbox. */
  enqueue(message: NewMessage): Promise<Enqueued>;
  /** Messages with seq > `afterSeq` and not expired at `nowMs`; at most `maxMessages` and about `maxBytes`. */
  fetch(mailbox: Uint8Array, afterSeq: number, maxMessages: number, maxBytes: number, nowMs: number): Promise<Page>;
  /** Deletes what was acknowledged, keeps tombstones; returns how many messages were there (a notice is none). */
  acknowledge(mailbox: Uint8Array, ranges: readonly Range[]): Promise<number>;
  /** Current size of a mailbox; null when there is no such mailbox. */
  room(mailbox: Uint8Array): Promise<{ messages: number; bytes: number } | null>;
  /** What is remembered of a message of this sender; null when there was none or it is forgotten. */
  tombstone(mailbox: Uint8Array, sender: Uint8Array, id: Uint8Array): Promise<Tombstone | null>;
  /**
   * Removes what has expired, in small steps: messages (remembering their ranges until fetched past), tombstones, invites,
   * KeyPackages, files, and of groups the log, Welcomes and join keys.
   */
  collect(nowMs: number): Promise<Collected>;

  /**
   * Compare-and-set: stored version must be `expectedVersion` (0 = none). New devices get mailboxes. In the same step:
   *
   * - A device that is listed no more is off all rosters, without session, KeyPackages and sealing key; its mailbox is
   *   emptied, and keeps its numbers for the case that it comes back.
   * - A device belongs to one account: `device_taken` for one of another account, unless it is the one that is moving.
   *   That one leaves its former account, which goes with its last device, all rosters, its session, KeyPackages and
   *   sealing key; its mail stays.
   * - When a list that was there before changes, everybody on the rosters of the account's groups gets a notice; without
   *   `change` nobody does.
   */
  putBundle(bundle: StoredBundle, expectedVersion: number, change?: BundleChange | null): Promise<BundlePut>;
  bundleOfAccount(account: Uint8Array): Promise<StoredBundle | null>;
  bundleOfDevice(device: Uint8Array): Promise<StoredBundle | null>;
  /** False when a newer one is stored. */
  putSealingKey(key: StoredSealingKey): Promise<boolean>;
  sealingKeys(devices: readonly Uint8Array[]): Promise<StoredSealingKey[]>;

  /** Keeps the record until it expires. */
  putInvite(invite: NewInvite, bounds: InviteBounds): Promise<InvitePut>;
  /**
   * In one step: binds the record to the first device that asks and keeps it until `keepUntilMs`. That device gets it
   * again until it confirms.
   */
  claimInvite(
    locator: Uint8Array,
    device: Uint8Array,
    times: { nowMs: number; keepUntilMs: number },
  ): Promise<InviteClaim>;
  /** Erases the record, for the device that claimed it; that it was used stays known. False from anybody else. */
  confirmInvite(locator: Uint8Array, device: Uint8Array): Promise<boolean>;
  /** False when there is none of this creator, or it was claimed. */
  revokeInvite(locator: Uint8Array, creator: Uint8Array): Promise<boolean>;

  putToken(token: StoredToken): Promise<void>;
  tokens(): Promise<StoredToken[]>;
  /** By id or name; false when there is none. */
  deleteToken(idOrName: string): Promise<boolean>;
  allowAccount(account: Uint8Array, note: string): Promise<void>;
  allowedAccounts(): Promise<{ account: Uint8Array; note: string }[]>;
  disallowAccount(account: Uint8Array): Promise<boolean>;

  stats(): Promise<StoreStats>;
  /** Writes a consistent copy of the database to a new file while service goes on. */
  backup(path: string): Promise<void>;
  /** Ok, or what is wrong. */
  check(): Promise<string[]>;
}
