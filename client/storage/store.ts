/**
 * What a client keeps on disk: its outbox, counters, what it has shown, whom it knows, and its sealing secrets.
 * @module
 */
import type { ConversationSettingTable } from "./conversation_setting_table.ts";
import type { FileTable } from "./file_table.ts";
import type { GroupTable, KeyPackageTable } from "./group_rows.ts";
import type { HistoryMoveTable } from "./history_move_table.ts";
import type { HistoryMarksTable, HistoryTable } from "./history_rows.ts";
import type { OpenedTable } from "./opened_table.ts";
import type { OwnChangeTable } from "./own_change_table.ts";
import type { RecoveryMarkTable } from "./recovery_mark_table.ts";
import type { ReportableTable } from "./reportable_table.ts";

export type * from "./group_rows.ts";
export type * from "./history_rows.ts";
export type { ConversationSetting, ConversationSettingTable } from "./conversation_setting_table.ts";
export type { FileTable, UploadRow } from "./file_table.ts";
export type { OpenedRow, OpenedTable } from "./opened_table.ts";
export type { OwnChangeTable, OwnContact, OwnRead } from "./own_change_table.ts";
export type { ArrivedMove, ArrivedPart, HistoryMoveTable, MovePart, MoveRow } from "./history_move_table.ts";
export type { RecoveryMark, RecoveryMarkTable } from "./recovery_mark_table.ts";
export type { ReportableRow, ReportableTable } from "./reportable_table.ts";

/**
 * The store of one identity. Several processes may use it at once. The tables are synchronous and are seen only inside
 * `write` and `read`; one `write` runs at a time, over all processes, so what it read is still true when it commits.
 */
export interface ClientStore extends AsyncDisposable {
  /**
   * Runs `work` alone, as one transaction; `work` may await (sealing does). Resolves after the commit is synced to
   * disk; when `work` throws, nothing of it is kept. Never call `write` or `read` inside `work`.
   */
  write<T>(work: (tables: Tables) => T | Promise<T>): Promise<T>;
  /** Reads without changing anything. */
  read<T>(work: (tables: Tables) => T): Promise<T>;
}

/** Everything kept, by noun. */
export interface Tables {
  readonly outbox: OutboxTable;
  readonly receipts: ReceiptTable;
  readonly counters: CounterTable;
  readonly seen: SeenTable;
  readonly streams: StreamTable;
  readonly directory: DirectoryTable;
  readonly secrets: SecretTable;
  readonly unreadable: UnreadableTable;
  readonly opened: OpenedTable;
  readonly reportable: ReportableTable;
  readonly contacts: ContactTable;
  readonly invites: InviteTable;
  readonly history: HistoryTable;
  readonly historyMarks: HistoryMarksTable;
  readonly historyMoves: HistoryMoveTable;
  readonly conversationSettings: ConversationSettingTable;
  readonly ownChanges: OwnChangeTable;
  readonly recoveryMarks: RecoveryMarkTable;
  readonly groups: GroupTable;
  readonly keyPackages: KeyPackageTable;
  readonly files: FileTable;
  readonly meta: MetaTable;
}

/** `queued`: later commands send it. `held`: only `--id` sends it again. `sent`: all accepted; kept to know its id. */
export type OutboxState = "queued" | "held" | "sent";

/** One message on its way out. */
export interface OutboxRow {
  readonly id: Uint8Array; // 16 bytes
  /** Which relay it is for, as dialled. */
  readonly relay: string;
  readonly recipient: Uint8Array; // account hash, 32 bytes; of a message to a group its id
  /** Meant for a conversation: with the account, or the group's. Null: sealed or plain, to the account's devices. */
  readonly conversation: "direct" | "group" | null;
  /** The group that its bytes were made for, 32 bytes; null before, and for what went sealed after all. */
  readonly group: Uint8Array | null;
  readonly state: OutboxState;
  readonly createdAtMs: number;
  readonly ttlS: number;
  readonly plaintext: boolean;
  /** Serialized Content; null once it is sealed. */
  readonly content: Uint8Array | null;
  /** Serialized Content of a message to a group that may have to be encrypted anew; null once it is accepted. */
  readonly again: Uint8Array | null;
  /** SHA-256 of the serialized Content and recipient, to tell another message under the same id. */
  readonly contentHash: Uint8Array;
}

/** The frozen bytes for one device. */
export interface OutboxEnvelope {
  readonly device: Uint8Array; // device key, 32 bytes; the group's id where it goes to a group
  readonly envelope: Uint8Array; // serialized SignedEnvelope; empty once accepted
  readonly lineage: Uint8Array; // 8 bytes; empty for plain content
  readonly counter: number; // 0 for plain content
  readonly state: "pending" | "accepted" | "refused";
  readonly seq: number; // 0 until accepted
  readonly expiresAtMs: number; // 0 until accepted
}

/** Messages on their way out, in the order they were made. */
export interface OutboxTable {
  add(row: OutboxRow): void;
  get(id: Uint8Array): OutboxRow | null;
  envelopes(id: Uint8Array): OutboxEnvelope[];
  /** Like `envelopes`, without reading the frozen bytes. */
  states(id: Uint8Array): Omit<OutboxEnvelope, "envelope">[];
  /** Adds the frozen bytes of a message and forgets its content; for a group it is kept as `again`. */
  freeze(id: Uint8Array, envelopes: readonly OutboxEnvelope[], group?: Uint8Array): void;
  /** Other bytes for the same device and number: the relay has certainly refused the ones before. */
  refreeze(id: Uint8Array, device: Uint8Array, envelope: Uint8Array): void;
  /** Notes what a group's members have, beside the envelope that went to the group. */
  addMembers(id: Uint8Array, members: readonly OutboxEnvelope[]): void;
  setState(id: Uint8Array, state: OutboxState): void;
  /** Marks one device's envelope; accepted ones drop their bytes. */
  settle(id: Uint8Array, device: Uint8Array, outcome: Pick<OutboxEnvelope, "state" | "seq" | "expiresAtMs">): void;
  remove(id: Uint8Array): void;
  /** Ids of queued messages for a relay, oldest first. */
  queued(relay: string): Uint8Array[];
  /** Ids of messages made before `createdBeforeMs`. */
  olderThan(createdBeforeMs: number, state: OutboxState): Uint8Array[];
}

/** What is kept of one device's accepted envelope, to ask for its receipt and to show it. */
export interface KeptReceipt {
  readonly bodyHash: Uint8Array; // SHA-256 of the envelope's body, 32 bytes
  /** Serialized Receipt, checked; null while there is none. */
  readonly receipt: Uint8Array | null;
}

/** Receipts of accepted messages, for as long as the outbox knows them. */
export interface ReceiptTable {
  /** Keeps the first body hash, and the newest receipt. */
  put(id: Uint8Array, device: Uint8Array, kept: KeptReceipt): void;
  get(id: Uint8Array, device: Uint8Array): KeptReceipt | null;
  remove(id: Uint8Array): void;
}

/** Counters that make the relay's drops visible, per lineage and recipient device. */
export interface CounterTable {
  /** The next number; never given twice. */
  next(lineage: Uint8Array, device: Uint8Array): number;
  /** Remembers a number that will never come. */
  addVoid(lineage: Uint8Array, device: Uint8Array, counter: number): void;
  /** Void numbers that no accepted message has listed yet; noted as listed by message `by`. */
  listVoids(lineage: Uint8Array, device: Uint8Array, by: number, limit: number): number[];
  /** Message `by` is accepted: what it listed need not be listed again. */
  forgetVoids(lineage: Uint8Array, device: Uint8Array, by: number): void;
}

/** How far a received message got. */
export interface SeenMark {
  readonly state: "printing" | "shown";
  readonly bodyHash: Uint8Array;
}

/** Received messages by sender device and id. */
export interface SeenTable {
  get(sender: Uint8Array, id: Uint8Array): SeenMark | null;
  put(sender: Uint8Array, id: Uint8Array, mark: SeenMark, times: { sentAtMs: number; forgetAtMs: number }): void;
  /** Forgets what is due; `forgottenUntil` then covers it. */
  purge(nowMs: number): number;
  /** The latest sending time of anything forgotten, 0 at first: nobody can tell whether mail up to then was shown. */
  forgottenUntil(): number;
}

/** A sender device's numbers as this reader knows them; client/gaps.ts gives them meaning. */
export interface StreamTable {
  get(sender: Uint8Array, lineage: Uint8Array): string | null;
  put(sender: Uint8Array, lineage: Uint8Array, state: string): void;
  /** A lineage that is met for the first time, and whose it is. */
  begin(sender: Uint8Array, lineage: Uint8Array, account: Uint8Array, state: string): void;
  /** Whether any lineage of this sender device is known, of its sealed mail or of what it says in one group. */
  knows(sender: Uint8Array, group?: Uint8Array): boolean;
  /** Streams with numbers outstanding; `account` is null where an earlier version did not note it. */
  open(): { sender: Uint8Array; lineage: Uint8Array; account: Uint8Array | null; state: string }[];
}

/** One version of an account's bundle. */
export interface KnownBundle {
  readonly account: Uint8Array; // account hash, 32 bytes
  readonly version: number;
  readonly hash: Uint8Array; // 32 bytes
  readonly bytes: Uint8Array; // serialized Bundle
}

/** Verified bundles of all versions seen, and the newest sealing key of each device. */
export interface DirectoryTable {
  latest(account: Uint8Array): KnownBundle | null;
  version(account: Uint8Array, version: number): KnownBundle | null;
  /** All versions from `version` on, rising. */
  since(account: Uint8Array, version: number): KnownBundle[];
  putBundle(bundle: KnownBundle): void;
  /** When the newest sealing key seen of a device was made, and its id. */
  sealingKey(device: Uint8Array): { createdAtMs: number; keyId: Uint8Array } | null;
  putSealingKey(device: Uint8Array, key: { createdAtMs: number; keyId: Uint8Array }): void;
}

/** An own sealing key with its secret. */
export interface SealingSecret {
  readonly keyId: Uint8Array; // 8 bytes
  readonly seed: Uint8Array; // 32 bytes, secret
  readonly published: Uint8Array; // serialized SealingKey
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Mail may still come until then. */
  readonly eraseAtMs: number;
}

/** Own sealing secrets, several at a time. */
export interface SecretTable {
  byKeyId(keyId: Uint8Array): SealingSecret | null;
  newest(): SealingSecret | null;
  put(secret: SealingSecret): void;
  /** Erases secrets that no mail can need any more; returns how many. */
  erase(nowMs: number): number;
}

/** What could not be opened. */
export interface UnreadableRow {
  readonly seq: number;
  readonly receivedAtMs: number;
  readonly reason: string;
  readonly bytes: Uint8Array;
}

/** Raw bytes of messages that could not be opened or attributed, for a while. */
export interface UnreadableTable {
  /** Keeps the bytes; the oldest go when all together exceed `maxBytes`. */
  add(row: UnreadableRow, nowMs: number, maxBytes: number): void;
  all(): UnreadableRow[];
  purge(addedBeforeMs: number): number;
}

/** Somebody with a name. */
export interface ContactRow {
  /** As it was written; unique in any case. */
  readonly name: string;
  /** The account that the name pins: hash, 32 bytes; no two contacts have the same. */
  readonly account: Uint8Array;
  /** Digits were compared, or an invite proved both ends. */
  readonly verified: boolean;
  readonly blocked: boolean;
  readonly addedAtMs: number;
  /** Another account that was given under this name and waits for a comparison of digits; null when none does. */
  readonly offered: Uint8Array | null;
}

/** Contacts by name and by account. */
export interface ContactTable {
  /** Adds, or changes the one of that name. */
  put(contact: ContactRow): void;
  /** In any case of letters. */
  get(name: string): ContactRow | null;
  ofAccount(account: Uint8Array): ContactRow | null;
  /** By name. */
  all(): ContactRow[];
  /** Accounts of the blocked ones. */
  blocked(): Uint8Array[];
  remove(name: string): void;
}

/** An invite that was made here. */
export interface InviteRow {
  readonly locator: Uint8Array; // 32 bytes
  /** The relay it waits at, as dialled. */
  readonly relay: string;
  /** Own account hash, 32 bytes. */
  readonly maker: Uint8Array;
  readonly macKey: Uint8Array; // 32 bytes
  /** What to call whoever takes it; empty: as they say. */
  readonly contactName: string;
  readonly state: "open" | "accepted" | "revoked";
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Account hash of who took it; null until then. */
  readonly taker: Uint8Array | null;
}

/** Own invites. */
export interface InviteTable {
  /** Adds one, or changes state and taker of the one with this locator. */
  put(invite: InviteRow): void;
  get(locator: Uint8Array): InviteRow | null;
  /** Oldest first. */
  all(): InviteRow[];
  purge(expiredBeforeMs: number): number;
}

/** Small values by name. */
export interface MetaTable {
  get(name: string): Uint8Array | null;
  put(name: string, value: Uint8Array): void;
  /** Values whose names begin so, by name. */
  all(prefix: string): Uint8Array[];
  removeAll(prefix: string): void;
}
