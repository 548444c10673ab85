/**
 * Mailboxes as the writer knows them: counters cached in memory, written in the commit of the messages they count.
 * @module
 */
import { keyOf } from "./map_key.ts";
import type { Statement } from "better-sqlite3";
import type { Connection } from "./sqlite_connection.ts";

/** Mailboxes kept in memory at most; others are read again by key. */
const cacheSize = 50_000;

/** One mailbox; the counters may be ahead of the disk within a commit. */
export interface Mailbox {
  readonly id: number;
  /** False when no published bundle lists the device any more. */
  listed: boolean;
  /** The account whose bundle lists it, or null. */
  account: Uint8Array | null;
  nextSeq: number;
  messages: number;
  bytes: number;
  dirty: boolean;
}

/** Sums over all mailboxes. */
export interface Totals {
  messages: number;
  bytes: number;
  mailboxes: number;
  accounts: number;
  groups: number;
}

interface Row {
  id: number;
  device: Uint8Array;
  account: Uint8Array | null;
  next_seq: number;
  messages: number;
  bytes: number;
}

/** The writer's mailboxes. */
export class Mailboxes {
  readonly totals: Totals;
  readonly #byDevice = new Map<string, Mailbox>();
  readonly #byId = new Map<number, Mailbox>();
  readonly #dirty: Mailbox[] = [];
  readonly #selectDevice: Statement;
  readonly #selectId: Statement;
  readonly #insert: Statement;
  readonly #assign: Statement;
  readonly #update: Statement;
  #before: Totals;

  constructor(db: Connection) {
    const columns = "id, device, account, next_seq, messages, bytes";
    this.#selectDevice = db.prepare(`SELECT ${columns} FROM mailboxes WHERE device = ?`);
    this.#selectId = db.prepare(`SELECT ${columns} FROM mailboxes WHERE id = ?`);
    this.#insert = db.prepare("INSERT INTO mailboxes (device) VALUES (?)");
    this.#assign = db.prepare("UPDATE mailboxes SET account = ? WHERE id = ?");
    this.#update = db.prepare("UPDATE mailboxes SET next_seq = ?, messages = ?, bytes = ? WHERE id = ?");
    // Summed once at the start instead of kept in a row: one page less to write in every commit.
    // A payload counts in each mailbox, and once in all.
    this.totals = db.prepare(
      `SELECT coalesce(sum(messages), 0) AS messages,
         coalesce(sum(bytes), 0) - (SELECT coalesce(sum((pointers - 1) * size), 0) FROM payload_refs)
           + (SELECT coalesce(sum(bytes), 0) FROM groups)
           + (SELECT coalesce(sum(received), 0) FROM blobs) AS bytes,
         count(account) AS mailboxes,
         (SELECT count(*) FROM accounts) AS accounts, (SELECT count(*) FROM groups) AS groups FROM mailboxes`,
    ).get() as Totals;
    this.#before = { ...this.totals };
  }

  /** The mailbox of a device key, listed or not; null when there never was one. */
  find(device: Uint8Array): Mailbox | null {
    const key = keyOf(device);
    return this.#byDevice.get(key) ?? this.#remember(key, this.#selectDevice.get(device) as Row | undefined);
  }

  /** The mailbox with this row id, which a message names; it exists. */
  byId(id: number): Mailbox {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const row = this.#selectId.get(id) as Row;
    return this.#remember(keyOf(row.device), row) as Mailbox;
  }

  /** Makes the device's mailbox if needed and gives it to an account, or to none. */
  assign(device: Uint8Array, account: Uint8Array | null): void {
    if (this.find(device) === null) this.#insert.run(device);
    const mailbox = this.find(device) as Mailbox;
    this.#assign.run(account, mailbox.id);
    this.totals.mailboxes += Number(account !== null) - Number(mailbox.listed);
    mailbox.listed = account !== null;
    mailbox.account = account && Uint8Array.from(account);
    this.#touch(mailbox);
  }

  /** Counts messages and bytes in (positive) or out (negative). */
  count(mailbox: Mailbox, messages: number, bytes: number): void {
    mailbox.messages += messages;
    mailbox.bytes += bytes;
    this.totals.messages += messages;
    this.totals.bytes += bytes;
    this.#touch(mailbox);
  }

  /** Begins a transaction. */
  begin(): void {
    this.#before = { ...this.totals };
  }

  /** Writes the changed counters; call before COMMIT. */
  flush(): void {
    for (const box of this.#dirty) this.#update.run(box.nextSeq, box.messages, box.bytes, box.id);
  }

  /** After COMMIT: memory and disk agree. */
  committed(): void {
    for (const mailbox of this.#dirty) mailbox.dirty = false;
    this.#dirty.length = 0;
    if (this.#byDevice.size > cacheSize) this.#forgetAll();
  }

  /** After ROLLBACK: forgets what was not written. */
  rolledBack(): void {
    this.#dirty.length = 0;
    this.#forgetAll();
    Object.assign(this.totals, this.#before);
  }

  #touch(mailbox: Mailbox): void {
    if (mailbox.dirty) return;
    mailbox.dirty = true;
    this.#dirty.push(mailbox);
  }

  #forgetAll(): void {
    this.#byDevice.clear();
    this.#byId.clear();
  }

  #remember(key: string, row: Row | undefined): Mailbox | null {
    if (row === undefined) return null;
    const { id, next_seq: nextSeq, messages, bytes } = row;
    const account = row.account && Uint8Array.from(row.account);
    const mailbox = { id, listed: account !== null, account, nextSeq, messages, bytes, dirty: false };
    this.#byDevice.set(key, mailbox);
    this.#byId.set(id, mailbox);
    return mailbox;
  }
}
