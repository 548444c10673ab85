/**
 * The writer's memory of mailboxes: counters that change with every message, written once per commit.
 * @module
 */
import type { Statement } from "better-sqlite3";
import type { Connection } from "./sqlite_connection.ts";

/** Mailboxes kept in memory; with more active ones a row is read again, nothing else changes. */
const mostCached = 50_000;

/** One mailbox; `listed` while a published bundle names its device. */
export interface Mailbox {
  readonly id: number;
  listed: boolean;
  nextSeq: number;
  messages: number;
  bytes: number;
}

/** Sums over all mailboxes. */
export interface Totals {
  messages: number;
  bytes: number;
  mailboxes: number;
  accounts: number;
}

interface Row {
  readonly id: number;
  readonly listed: number;
  readonly nextSeq: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Counters of mailboxes inside the transaction of a batch: exact after `committed`, forgotten after `rolledBack`. */
export class Mailboxes {
  readonly totals: Totals;
  readonly #byDevice = new Map<string, Mailbox>();
  readonly #byId = new Map<number, Mailbox>();
  readonly #changed = new Set<Mailbox>();
  readonly #select: Statement;
  readonly #selectById: Statement;
  readonly #update: Statement;
  readonly #insert: Statement;
  readonly #assign: Statement;
  #before: Totals;

  constructor(db: Connection) {
    const columns = "id, account IS NOT NULL AS listed, next_seq AS nextSeq, messages, bytes FROM mailboxes";
    this.#select = db.prepare(`SELECT ${columns} WHERE device = ?`);
    this.#selectById = db.prepare(`SELECT ${columns} WHERE id = ?`);
    this.#update = db.prepare("UPDATE mailboxes SET next_seq = ?, messages = ?, bytes = ? WHERE id = ?");
    this.#insert = db.prepare("INSERT INTO mailboxes (device, account) VALUES (?, ?) ON CONFLICT DO NOTHING");
    this.#assign = db.prepare("UPDATE mailboxes SET account = ? WHERE device = ?");
    this.totals = db.prepare(
      `SELECT coalesce(sum(messages), 0) AS messages, coalesce(sum(bytes), 0) AS bytes, count(*) AS mailboxes,
       (SELECT count(*) FROM accounts) AS accounts FROM mailboxes`,
    ).get() as Totals;
    this.#before = { ...this.totals };
  }

  /** A transaction begins: what `rolledBack` returns to. */
  begin(): void {
    this.#before = { ...this.totals };
    if (this.#byId.size > mostCached) this.#forget();
  }

  /** The mailbox of a device, or null when there never was one. */
  find(device: Uint8Array): Mailbox | null {
    const key = device.toHex();
    const cached = this.#byDevice.get(key);
    if (cached) return cached;
    const row = this.#select.get(device) as Row | undefined;
    if (!row) return null;
    const mailbox = this.#keep(row);
    this.#byDevice.set(key, mailbox);
    return mailbox;
  }

  /** The mailbox with this row id, which exists. */
  byId(id: number): Mailbox {
    return this.#byId.get(id) ?? this.#keep(this.#selectById.get(id) as Row);
  }

  /** Adds messages and bytes, negative ones when they leave. */
  count(mailbox: Mailbox, messages: number, bytes: number): void {
    mailbox.messages += messages;
    mailbox.bytes += bytes;
    this.totals.messages += messages;
    this.totals.bytes += bytes;
    this.#changed.add(mailbox);
  }

  /** Gives a device's mailbox to an account, making it when there is none; null takes it from the list. */
  assign(device: Uint8Array, account: Uint8Array | null): void {
    const made = account !== null && this.#insert.run(device, account).changes === 1;
    if (made) this.totals.mailboxes++;
    else this.#assign.run(account, device);
    const mailbox = this.find(device);
    if (mailbox) mailbox.listed = account !== null;
  }

  /** Writes the changed counters; the last thing before the commit. */
  flush(): void {
    for (const { nextSeq, messages, bytes, id } of this.#changed) this.#update.run(nextSeq, messages, bytes, id);
  }

  /** The commit is on disk. */
  committed(): void {
    this.#changed.clear();
  }

  /** The transaction came to nothing: memory says again what the database says. */
  rolledBack(): void {
    Object.assign(this.totals, this.#before);
    this.#forget();
  }

  #keep({ listed, ...row }: Row): Mailbox {
    const mailbox = { ...row, listed: listed === 1 };
    this.#byId.set(mailbox.id, mailbox);
    return mailbox;
  }

  #forget(): void {
    this.#changed.clear();
    this.#byDevice.clear();
    this.#byId.clear();
  }
}
