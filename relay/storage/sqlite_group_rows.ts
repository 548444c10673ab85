/**
 * Groups as the writer knows them: rows and rosters, kept in memory between commits.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import { QightError } from "../../proto/errors.ts";
import { inPair } from "./group_rules.ts";
import type { Pair } from "./group_store.ts";
import { keyOf } from "./map_key.ts";
import type { Connection } from "./sqlite_connection.ts";
import { joinDevices, splitDevices } from "./sqlite_directory.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";

/** Devices on the rosters kept in memory at most, some 30 MB; other groups are read again. */
const cachedDevices = 100_000;

/** One group; `epoch` and `bytes` may be ahead of the disk within a commit. */
export interface GroupRow {
  readonly id: number;
  readonly name: Uint8Array;
  readonly suite: number;
  readonly creator: Uint8Array; // account
  readonly maker: Uint8Array; // device
  readonly direct: Pair | null;
  epoch: number;
  /** Of logs, states and Welcomes. */
  bytes: number;
  roster: readonly Uint8Array[];
  members: ReadonlySet<string>;
}

/** What holds during one epoch. */
export interface GroupState {
  readonly roster: readonly Uint8Array[];
  readonly groupInfo: Uint8Array;
}

interface Row {
  id: number;
  name: Uint8Array;
  suite: number;
  creator: Uint8Array;
  maker: Uint8Array;
  direct: Uint8Array;
  epoch: number;
  bytes: number;
}

/** Rows of groups, all inside the transaction of the batch. */
export class GroupRows {
  readonly #mailboxes: Mailboxes;
  readonly #cache = new Map<string, GroupRow[]>();
  #cached = 0;
  readonly #select: Statement;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #delete: Statement;
  readonly #selectState: Statement;
  readonly #putState: Statement;
  readonly #deleteState: Statement;
  readonly #addMember: Statement;
  readonly #deleteMember: Statement;
  readonly #namesOf: Statement;
  readonly #countOf: Statement;
  readonly #joinKey: Statement;
  readonly #devices: Statement;

  constructor(db: Connection, mailboxes: Mailboxes) {
    this.#mailboxes = mailboxes;
    this.#select = db.prepare(
      `SELECT id, name, suite, creator, maker, direct, epoch, bytes FROM groups
       WHERE name = ? ORDER BY length(direct) DESC`,
    );
    this.#insert = db.prepare(
      "INSERT INTO groups (name, suite, creator, maker, direct, epoch, bytes) VALUES (?, ?, ?, ?, ?, 0, 0)",
    );
    this.#update = db.prepare("UPDATE groups SET epoch = ?, bytes = ? WHERE id = ?");
    this.#delete = db.prepare("DELETE FROM groups WHERE id = ?");
    this.#selectState = db.prepare("SELECT roster, crc, group_info FROM group_states WHERE slot = (? << 36) | ?");
    this.#putState = db.prepare(
      "INSERT OR REPLACE INTO group_states (slot, roster, crc, group_info) VALUES ((? << 36) | ?, ?, ?, ?)",
    );
    this.#deleteState = db.prepare("DELETE FROM group_states WHERE slot = (? << 36) | ?");
    this.#addMember = db.prepare("INSERT OR IGNORE INTO members (device, grp) VALUES (?, ?)");
    this.#deleteMember = db.prepare("DELETE FROM members WHERE device = ? AND grp = ?");
    this.#namesOf = db.prepare("SELECT g.name FROM members m JOIN groups g ON g.id = m.grp WHERE m.device = ?").pluck();
    this.#countOf = db.prepare("SELECT count(*) FROM members WHERE device = ?").pluck();
    this.#joinKey = db.prepare("SELECT 1 FROM join_keys WHERE grp = ? AND hash = ? AND until > ?");
    this.#devices = db.prepare("SELECT devices FROM accounts WHERE account = ?").pluck();
  }

  /** The conversation or group of this id on whose roster the device is, unless no bundle lists it. */
  ofMember(name: Uint8Array, device: Uint8Array): GroupRow | null {
    if (!this.#mailboxes.find(device)?.listed) return null;
    return this.all(name).find(({ members }) => members.has(keyOf(device))) ?? null;
  }

  /** Names of the groups whose rosters list a device, each as often as it is listed under it. */
  namesOf(device: Uint8Array): Uint8Array[] {
    return (this.#namesOf.all(device) as Uint8Array[]).map((name) => Uint8Array.from(name));
  }

  /**
   * The same also for both sides of a direct conversation, for other devices of an account on the roster, and for who
   * shows a join key.
   */
  ofGuest(name: Uint8Array, device: Uint8Array, joinKeyHash: Uint8Array | null, nowMs: number): GroupRow | null {
    const account = this.#mailboxes.find(device)?.account ?? null;
    if (account === null) return null;
    const [direct, plain] = bothOf(this.all(name));
    if (direct?.direct && inPair(direct.direct, account)) return direct;
    if (plain === null) return null;
    const invited = joinKeyHash !== null && this.#joinKey.get(plain.id, joinKeyHash, nowMs) !== undefined;
    return invited || this.#hasSeat(plain, account) ? plain : null;
  }

  /** The direct conversation and the group of this id, as far as there are any. */
  all(name: Uint8Array): readonly GroupRow[] {
    const key = keyOf(name);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const rows = (this.#select.all(name) as Row[]).map((row) => this.#load(row));
    if (rows.length > 0) this.#cache.set(key, rows);
    for (const { roster } of rows) this.#cached += roster.length;
    return rows;
  }

  /** Groups on whose rosters a device is. */
  countOf(device: Uint8Array): number {
    return this.#countOf.get(device) as number;
  }

  /** Makes a group at epoch 0. */
  insert(row: Pick<GroupRow, "name" | "suite" | "creator" | "maker" | "direct">, state: GroupState): void {
    const direct = row.direct ? joinDevices(row.direct) : new Uint8Array(0);
    const id = Number(this.#insert.run(row.name, row.suite, row.creator, row.maker, direct).lastInsertRowid);
    this.#cache.delete(keyOf(row.name));
    this.#writeState(id, 0, state);
    for (const device of state.roster) this.#addMember.run(device, id);
    this.#mailboxes.totals.groups++;
    const [made] = this.all(row.name).filter((one) => one.id === id);
    this.save(made, 0, stateBytes(state));
  }

  /** Writes epoch and size of a group. */
  save(group: GroupRow, epoch: number, bytes: number): void {
    this.#mailboxes.totals.bytes += bytes - group.bytes;
    group.epoch = epoch;
    group.bytes = bytes;
    this.#update.run(epoch, bytes, group.id);
  }

  /** What held in an epoch; null when it is not kept. Throws `store_damaged` when it is not what was written. */
  state(group: GroupRow, epoch: number): GroupState | null {
    return readState(this.#selectState.get(group.id, epoch));
  }

  /** Writes what holds in an epoch. */
  putState(group: GroupRow, epoch: number, state: GroupState): void {
    this.#writeState(group.id, epoch, state);
  }

  /** Removes what held in an epoch; answers its size. */
  deleteState(group: GroupRow, epoch: number): number {
    const state = this.state(group, epoch);
    if (state === null) return 0;
    this.#deleteState.run(group.id, epoch);
    return stateBytes(state);
  }

  /** Puts another roster into force. */
  setRoster(group: GroupRow, roster: readonly Uint8Array[]): void {
    const now = new Set(roster.map(keyOf));
    for (const device of group.roster) if (!now.has(keyOf(device))) this.#deleteMember.run(device, group.id);
    for (const device of roster) if (!group.members.has(keyOf(device))) this.#addMember.run(device, group.id);
    this.#cached += roster.length - group.roster.length;
    group.roster = roster.map((device) => Uint8Array.from(device));
    group.members = now;
  }

  /** Removes the row of a group without members. */
  delete(group: GroupRow): void {
    this.save(group, group.epoch, 0);
    this.#delete.run(group.id);
    this.#cache.delete(keyOf(group.name));
    this.#mailboxes.totals.groups--;
  }

  /** Forgets what was not written, after a rollback or when it is too much. */
  forget(): void {
    this.#cache.clear();
    this.#cached = 0;
  }

  /** After COMMIT: keeps memory bounded. */
  committed(): void {
    if (this.#cached > cachedDevices) this.forget();
  }

  #hasSeat({ members }: GroupRow, account: Uint8Array): boolean {
    const devices = this.#devices.get(account) as Uint8Array | undefined;
    return devices !== undefined && splitDevices(devices).some((device) => members.has(keyOf(device)));
  }

  #load(row: Row): GroupRow {
    const { id, suite, epoch, bytes } = row;
    const state = readState(this.#selectState.get(id, epoch));
    if (state === null) throw new QightError("store_damaged", `The database has no roster of group ${id}`);
    const [name, creator, maker] = [row.name, row.creator, row.maker].map((key) => Uint8Array.from(key));
    const members = new Set(state.roster.map(keyOf));
    return { id, name, suite, creator, maker, direct: pairOf(row.direct), epoch, bytes, roster: state.roster, members };
  }

  #writeState(id: number, epoch: number, { roster, groupInfo }: GroupState): void {
    const joined = joinDevices(roster);
    this.#putState.run(id, epoch, joined, crc32(groupInfo, crc32(joined)), groupInfo);
  }
}

/** A row of `group_states`; throws `store_damaged` when it does not match its checksum. */
export function readState(row: unknown): GroupState | null {
  if (row === undefined) return null;
  const { roster, crc, group_info: groupInfo } = row as { roster: Uint8Array; crc: number; group_info: Uint8Array };
  if (crc32(groupInfo, crc32(roster)) !== crc) {
    throw new QightError("store_damaged", "The stored roster or GroupInfo of a group does not match its checksum");
  }
  return { roster: splitDevices(roster), groupInfo };
}

/** The direct conversation and the group among the rows of one id. */
export function bothOf<T extends { readonly direct: Pair | null }>(rows: readonly T[]): [T | null, T | null] {
  return [rows.find(({ direct }) => direct !== null) ?? null, rows.find(({ direct }) => direct === null) ?? null];
}

/** Both accounts of a direct conversation, or null of a group. */
export function pairOf(direct: Uint8Array): Pair | null {
  return direct.length === 64 ? splitDevices(direct) as [Uint8Array, Uint8Array] : null;
}

/** What an epoch keeps, in bytes. */
export function stateBytes({ roster, groupInfo }: GroupState): number {
  return roster.length * 32 + groupInfo.length;
}
