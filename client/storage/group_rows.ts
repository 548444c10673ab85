/**
 * What a client keeps of MLS groups: rows and tables of groups, commits under way, what happened, and own KeyPackages.
 * @module
 */

/**
 * `active`: member. `joining`: member, and its person has not said yes yet. `stuck`: a commit could not be taken in.
 * `left`: by own wish. `removed`: by somebody else. The last two keep no state.
 */
export type GroupStatus = "active" | "joining" | "stuck" | "left" | "removed";

/** One group at one relay. A direct conversation has the same id at every relay. */
export interface GroupRow {
  /** The relay it lives at, as dialled. */
  readonly relay: string;
  readonly group: Uint8Array; // 32 bytes
  readonly kind: "direct" | "group";
  /** The other side of a direct conversation: account hash, 32 bytes; null for a group. */
  readonly peer: Uint8Array | null;
  /** What `#NAME` calls it here; unique in any case, empty for a direct conversation. */
  readonly name: string;
  /** Account hash of its owner, 32 bytes. */
  readonly creator: Uint8Array;
  readonly suite: number;
  readonly epoch: number;
  readonly status: GroupStatus;
  readonly joinedAtMs: number;
  /** Since when it is stuck, milliseconds since 1970; 0 when it is not. */
  readonly stuckAtMs: number;
  /** When it was last joined anew to heal it, milliseconds since 1970; 0 = never. */
  readonly healedAtMs: number;
  /** 8 random bytes, new with every save of the state: a decoded state in memory counts only under the same. */
  readonly stamp: Uint8Array;
}

/** The state of a group as crypto/mls/ encodes it: what changes with each epoch, and what with each message. */
export interface GroupParts {
  readonly epochPart: Uint8Array;
  readonly messagePart: Uint8Array;
}

/** A commit of our own that the relay may or may not have accepted; sent again it is the same. */
export interface PendingCommit {
  readonly relay: string;
  readonly group: Uint8Array;
  /** The epoch that it ends. */
  readonly epoch: number;
  readonly hash: Uint8Array; // SHA-256 of the commit, 32 bytes
  /** Serialized CommitRequest, as it went out. */
  readonly request: Uint8Array;
  /** The row when it is accepted; its state is in `parts`. */
  readonly next: Omit<GroupRow, "stamp">;
  readonly parts: GroupParts;
  /** What to tell when it is accepted, as client/groups/events.ts writes it. */
  readonly events: string;
}

/** Something that happened to a group and was not shown yet. */
export interface GroupEventRow {
  readonly place: number;
  readonly relay: string;
  readonly group: Uint8Array;
  readonly atMs: number;
  /** As client/groups/events.ts writes it. */
  readonly event: string;
}

/** Groups of one identity. */
export interface GroupTable {
  get(relay: string, group: Uint8Array): GroupRow | null;
  /** By name, in any case of letters. */
  ofName(name: string): GroupRow | null;
  /** The direct conversation with an account at a relay. */
  ofPeer(relay: string, peer: Uint8Array): GroupRow | null;
  /** By name, then by id. */
  all(): GroupRow[];
  /** The encoded state; null when none is kept. */
  parts(relay: string, group: Uint8Array): GroupParts | null;
  /** Adds or replaces a row; a state that is not given stays, null erases it. */
  put(row: GroupRow, parts?: GroupParts | null): void;
  /** A message was sealed or opened: nothing else changed. */
  putMessagePart(relay: string, group: Uint8Array, stamp: Uint8Array, messagePart: Uint8Array): void;
  /** Forgets row and state. */
  remove(relay: string, group: Uint8Array): void;
  addPending(commit: PendingCommit): void;
  /** Own commits whose fate is not known, oldest epoch first. */
  pending(relay: string, group: Uint8Array): PendingCommit[];
  dropPending(relay: string, group: Uint8Array, hash: Uint8Array): void;
  /** Own commits that end an epoch below this one can never be accepted any more. */
  dropPendingBelow(relay: string, group: Uint8Array, epoch: number): void;
  addEvent(event: Omit<GroupEventRow, "place">): void;
  /** What was not shown yet at a relay, in order. */
  events(relay: string): GroupEventRow[];
  forgetEvents(places: readonly number[]): void;
  /** Members who said that they leave, or whom the relay put out, and whose leaves are still there. */
  leavers(relay: string, group: Uint8Array): Uint8Array[];
  /** Those of them who said so. */
  saidLeft(relay: string, group: Uint8Array): Uint8Array[];
  addLeaver(relay: string, group: Uint8Array, account: Uint8Array, why: "said" | "put_out"): void;
  dropLeaver(relay: string, group: Uint8Array, account: Uint8Array): void;
}

/** An own KeyPackage with its secret. */
export interface KeyPackageRow {
  readonly relay: string;
  readonly suite: number;
  readonly ref: Uint8Array; // 32 bytes
  readonly keyPackage: Uint8Array; // a serialized MLSMessage
  readonly secret: Uint8Array; // opaque, secret
  readonly lastResort: boolean;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Whether the relay has it for certain. */
  readonly published: boolean;
  /** A last-resort one that somebody used: another one takes its place. */
  readonly used: boolean;
}

/** Own KeyPackages of one identity. */
export interface KeyPackageTable {
  put(row: KeyPackageRow): void;
  all(): KeyPackageRow[];
  get(ref: Uint8Array): KeyPackageRow | null;
  /** Saved here and perhaps not at the relay yet, oldest first. */
  unpublished(relay: string, suite: number): KeyPackageRow[];
  published(refs: readonly Uint8Array[]): void;
  /** The newest last-resort one. */
  lastResort(relay: string, suite: number): KeyPackageRow | null;
  /** Erases packages that no relay took. */
  drop(refs: readonly Uint8Array[]): void;
  /** A Welcome came for it: a single-use one is erased with its secret, a last-resort one is marked. */
  use(ref: Uint8Array): void;
  /** Erases what expired; returns how many. */
  purge(nowMs: number): number;
  /** Erases all of them: this device speaks for another account now. */
  forgetAll(): void;
}
