/**
 * What the relay asks of its storage about accounts: names with password records, sessions, what is kept for recovery,
 * ended and closed accounts, blocks and reports. Nothing here lets anybody read mail or guess a password without the
 * relay's own OPAQUE setup.
 * @module
 */
import type { Noticed } from "./group_store.ts";
import type { StoredBundle } from "./store.ts";

/** When a change of a list is told to groups. */
export interface NoticeTimes {
  readonly nowMs: number;
  readonly noticeUntilMs: number;
}

/** What else a bundle's publication may do. */
export interface BundleChange extends NoticeTimes {
  /** The device of the publishing session: it may move here from another account. Null: none may. */
  readonly moving: Uint8Array | null;
  /**
   * The account that the moving device leaves as its last stays, without devices: its list does not begin anew. Else it
   * is forgotten.
   */
  readonly keepLeft?: boolean;
  /** The session that the publishing device gets; together with the list, or neither. */
  readonly session?: StoredSession | null;
}

/** A bundle as one part of a larger change. */
export interface BundleStep {
  readonly put: StoredBundle;
  readonly expectedVersion: number;
  readonly change: BundleChange;
}

/** What a change of a list brought along. */
export interface ListChanged {
  /** Devices that are listed no more; their connections are to be ended. */
  readonly dropped: readonly Uint8Array[];
  /** Devices that came from another account; connections that they opened as that one's are to be ended. */
  readonly moved: readonly Uint8Array[];
  /** Notices in mailboxes of groups' members, whose readers are to be woken. */
  readonly notices: readonly Noticed[];
}

/** The list stayed as it was. */
export const NOTHING_CHANGED: ListChanged = { dropped: [], moved: [], notices: [] };

/** Why a bundle was not taken; `ended`: the account was deleted. */
export type BundleRefusal = { readonly kind: "version_conflict" | "device_taken" | "ended" };

/** A name with its password record. */
export interface NamedAccount {
  /** As it is looked up by. */
  readonly folded: string;
  /** What it looks like: no two names share one (crypto/account_name.ts). */
  readonly skeleton: string;
  /** As it was written. */
  readonly name: string;
  readonly account: Uint8Array; // account hash, 32 bytes
  /** OPAQUE RegistrationRecord, as the library writes it. */
  readonly record: string;
  readonly registeredAtMs: number;
}

/** A device that is signed in; the token itself is never kept. */
export interface StoredSession {
  readonly tokenHash: Uint8Array; // SHA-256, 32 bytes
  readonly device: Uint8Array;
  readonly account: Uint8Array;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** Answer to a registration. */
export type Registered =
  | ({ readonly kind: "registered" } & ListChanged)
  | { readonly kind: "name_taken" }
  /** The account has a name already. */
  | { readonly kind: "has_name"; readonly name: string }
  | BundleRefusal;

/** One recovery code as the relay knows it. */
export interface StoredRecoveryCode {
  readonly locatorHash: Uint8Array; // SHA-256 of the locator, 32 bytes
  readonly wrapped: Uint8Array;
}

/** What is kept for an account's recovery; a new one replaces all of it. */
export interface StoredRecovery {
  readonly account: Uint8Array;
  /** The device that made the codes: they are worth nothing when others take it off the list. */
  readonly device: Uint8Array;
  readonly sealed: Uint8Array;
  readonly codes: readonly StoredRecoveryCode[];
  readonly madeAtMs: number;
}

/** What a code opens. */
export interface FoundRecovery {
  readonly account: Uint8Array;
  readonly sealed: Uint8Array;
  readonly wrapped: Uint8Array;
}

/** A recovery: everything of it in one step. */
export interface Recovery {
  readonly locatorHash: Uint8Array;
  readonly bundle: BundleStep;
  readonly keeping: StoredRecovery;
  /** New password record; null where there are no names. */
  readonly record: string | null;
  /** All other sessions of the account end. */
  readonly session: StoredSession | null;
}

/** Answer to a recovery. */
export type Recovered =
  | ({ readonly kind: "recovered" } & ListChanged)
  | { readonly kind: "code_unknown" }
  | BundleRefusal;

/** What the end of an account brought along: `dropped` are all of its devices. */
export type Ended = Omit<ListChanged, "moved">;

/** How many reports wait for the operator. */
export interface ReportBounds {
  readonly max: number;
  readonly maxOfReporter: number;
}

/** What became of a report; `too_many`: of this reporter, `full`: of all. */
export type ReportPut = "stored" | "too_many" | "full" | "id_taken";

/** Why an account may not come in. */
export interface Closure {
  readonly account: Uint8Array;
  readonly kind: "suspended" | "banned";
  readonly reason: string;
  readonly sinceMs: number;
  /** When it ends by itself; null: when the operator says so. */
  readonly untilMs: number | null;
}

/** What somebody showed the operator. */
export interface StoredReport {
  readonly id: string; // 8 hex digits
  readonly reporter: Uint8Array; // account hash
  readonly accused: Uint8Array; // account hash
  readonly reason: string;
  /** A serialized ReportRequest, checked. */
  readonly evidence: Uint8Array;
  readonly atMs: number;
}

/** A report without what it shows: that of ten thousand together would fill the memory. */
export type ReportSummary = Omit<StoredReport, "evidence">;

/** Accounts. All changes are durable when their promise resolves. */
export interface AccountStore {
  /** The relay's OPAQUE setup, encrypted; the first one that is put stays. */
  opaqueSetup(): Promise<Uint8Array | null>;
  putOpaqueSetup(sealed: Uint8Array): Promise<Uint8Array>;

  /** Name, record, session and (unless it is null) bundle, or nothing. A name that is held back is taken. */
  register(named: NamedAccount, bundle: BundleStep | null, session: StoredSession): Promise<Registered>;
  named(folded: string): Promise<NamedAccount | null>;
  nameOf(account: Uint8Array): Promise<NamedAccount | null>;
  /** How many names are in use. */
  names(): Promise<number>;
  /** New record; ends all sessions of the account but the one of `keep` (device key). */
  setRecord(account: Uint8Array, record: string, keep: Uint8Array | null): Promise<boolean>;
  /** Replaces the session of that device. */
  putSession(session: StoredSession): Promise<void>;
  /** Null for an unknown one; whether its time is over is the caller's to see. */
  session(tokenHash: Uint8Array): Promise<StoredSession | null>;
  sessionsOf(account: Uint8Array, nowMs: number): Promise<StoredSession[]>;
  /** Moves the end of a session on. */
  touchSession(tokenHash: Uint8Array, expiresAtMs: number): Promise<void>;
  endSession(account: Uint8Array, device: Uint8Array): Promise<boolean>;

  /** Devices that a list had once and none has now; `max` at most, those that came last first. */
  offLists(max: number): Promise<Uint8Array[]>;
  /** When devices were last here; written at most once an hour for each. */
  seen(device: Uint8Array, atMs: number): Promise<void>;
  /** In the order asked; 0 for one that never was. */
  lastSeen(devices: readonly Uint8Array[]): Promise<number[]>;

  /** Replaces what there was; throws `not_listed` when the account does not list the device that made the codes. */
  putRecovery(keeping: StoredRecovery): Promise<void>;
  /** Replaces what the codes of an account open; they stay, with the time they were made. False when it has none. */
  renewRecovery(account: Uint8Array, sealed: Uint8Array): Promise<boolean>;
  /** By the hash of a code's locator; null for an unknown or used one. */
  recovery(locatorHash: Uint8Array): Promise<FoundRecovery | null>;
  /** How many codes an account has left, and since when; null when it has none. */
  recoveryOf(account: Uint8Array): Promise<{ readonly codes: number; readonly madeAtMs: number } | null>;
  recover(recovery: Recovery): Promise<Recovered>;

  /**
   * Everything of an account goes in one step: bundle, sealing keys, mailboxes with all that waits in them, KeyPackages,
   * invites, claims on files, name (held back until `heldUntilMs`), record, sessions, recovery, blocks; its devices leave
   * all rosters. The end stays, so that others learn it.
   */
  end(account: Uint8Array, end: Uint8Array, heldUntilMs: number, times: NoticeTimes): Promise<Ended>;
  /** The serialized AccountEnd of an account, or null. */
  ended(account: Uint8Array): Promise<Uint8Array | null>;

  /** All sessions of the account end. */
  close(closure: Closure): Promise<void>;
  /** False when it was not closed. */
  reopen(account: Uint8Array): Promise<boolean>;
  closures(): Promise<Closure[]>;
  /** Named accounts in order of name, from the one after `after`. */
  list(after: string, max: number): Promise<NamedAccount[]>;

  /** False when the account has blocked `max` already. */
  block(account: Uint8Array, blocked: Uint8Array, max: number): Promise<boolean>;
  unblock(account: Uint8Array, blocked: Uint8Array): Promise<void>;
  /** All blocks, to be held in memory: who (account) takes nothing from whom. */
  blocks(): Promise<{ readonly account: Uint8Array; readonly blocked: Uint8Array }[]>;

  putReport(report: StoredReport, bounds: ReportBounds): Promise<ReportPut>;
  /** In order of time, without what they show. */
  reports(): Promise<ReportSummary[]>;
  report(id: string): Promise<StoredReport | null>;
  deleteReport(id: string): Promise<boolean>;
}
