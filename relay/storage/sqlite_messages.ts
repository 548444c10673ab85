/**
 * Messages in the writer: store once, acknowledge, expire.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import type { Range, StoreLimits } from "./store.ts";
import type { Connection } from "./sqlite_connection.ts";
import { ExpiredRanges } from "./sqlite_expired.ts";
import type { Mailbox, Mailboxes } from "./sqlite_mailboxes.ts";
import type { Outcomes, PackedMessage } from "./sqlite_wire.ts";

/** Rows that one step of collection removes: a few milliseconds. */
const collectRows = 256;

/** What one step of collection did; `more` when it stopped at its bound. */
export interface CollectStep {
  readonly expired: number;
  readonly tombstones: number;
  readonly more: boolean;
}

interface Known {
  body_hash: Uint8Array;
  seq: number;
  expires: number;
  received: number;
}

/** Statements on messages, all inside the transaction of the batch. */
export class Messages {
  readonly #mailboxes: Mailboxes;
  readonly #expired: ExpiredRanges;
  readonly #insertDedup: Statement;
  readonly #selectDedup: Statement;
  readonly #insert: Statement;
  readonly #measure: Statement;
  readonly #delete: Statement;
  readonly #selectExpired: Statement;
  readonly #deleteTombstones: Statement;

  constructor(db: Connection, mailboxes: Mailboxes) {
    this.#mailboxes = mailboxes;
    this.#expired = new ExpiredRanges(db);
    this.#insertDedup = db.prepare(
      `INSERT INTO dedup (mailbox, id, sender, body_hash, seq, expires, until, received)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    this.#selectDedup = db.prepare(
      "SELECT body_hash, seq, expires, received FROM dedup WHERE mailbox = ? AND id = ? AND sender = ?",
    );
    this.#insert = db.prepare(
      "INSERT INTO messages (slot, received, expires, crc, envelope) VALUES ((? << 36) | ?, ?, ?, ?, ?)",
    );
    const between = "FROM messages WHERE slot BETWEEN (? << 36) | ? AND (? << 36) | ?";
    this.#measure = db.prepare(`SELECT count(*) AS messages, coalesce(sum(length(envelope)), 0) AS bytes ${between}`);
    this.#delete = db.prepare(`DELETE ${between}`);
    this.#selectExpired = db.prepare(
      `SELECT slot >> 36 AS mailbox, slot & 68719476735 AS seq FROM messages WHERE expires <= ?
       ORDER BY expires LIMIT ${collectRows}`,
    );
    this.#deleteTombstones = db.prepare(`DELETE FROM dedup WHERE until <= ? ORDER BY until LIMIT ${collectRows}`);
  }

  /** Stores one message or says why not; `mayGrow` is false while the disk is full. */
  enqueue(message: PackedMessage, limits: StoreLimits, mayGrow: boolean, outcomes: Outcomes): void {
    const mailbox = this.#mailboxes.find(message.recipient);
    if (mailbox === null || !mailbox.listed) return outcomes.push("no_such_recipient");
    const { length } = message.envelope;
    const queueFull = mailbox.messages >= limits.maxQueue || mailbox.bytes + length > limits.maxQueueBytes;
    const storeFull = !mayGrow || this.#mailboxes.totals.bytes + length > limits.maxTotal;
    // A repeated message is answered like the first time even when there is no room for new ones.
    if (queueFull || storeFull || !this.#isNew(mailbox, message)) {
      const known = this.#selectDedup.get(mailbox.id, message.id, message.sender) as Known | undefined;
      if (known !== undefined) {
        if (!equal(known.body_hash, message.bodyHash)) return outcomes.push("id_conflict");
        return outcomes.push("duplicate", known.seq, known.expires, known.received);
      }
      return queueFull ? outcomes.push("queue_full", mailbox.messages, mailbox.bytes) : outcomes.push("storage_full");
    }
    const seq = mailbox.nextSeq++;
    this.#insert.run(mailbox.id, seq, message.received, message.expires, crc32(message.envelope), message.envelope);
    this.#mailboxes.count(mailbox, 1, length);
    outcomes.push("stored", seq, message.expires);
  }

  /** Deletes what lies in the ranges; returns how many messages that were. */
  acknowledge(device: Uint8Array, ranges: readonly Range[]): number {
    const mailbox = this.#mailboxes.find(device);
    if (mailbox === null) return 0;
    let removed = 0, highest = 0;
    for (const { first, last } of ranges) {
      const from = Math.max(1, first), to = Math.min(last, mailbox.nextSeq - 1);
      if (from > to) continue;
      removed += this.#remove(mailbox, from, to);
      highest = Math.max(highest, to);
    }
    if (highest > 0) this.#expired.forget(mailbox.id, highest);
    return removed;
  }

  /** Removes some expired messages and some old dedup memory. */
  collect(nowMs: number): CollectStep {
    const rows = this.#selectExpired.all(nowMs) as { mailbox: number; seq: number }[];
    rows.sort((a, b) => a.mailbox - b.mailbox || a.seq - b.seq);
    for (let from = 0; from < rows.length;) {
      let to = from;
      while (rows[to + 1]?.mailbox === rows[from].mailbox && rows[to + 1].seq === rows[to].seq + 1) to++;
      const { mailbox, seq } = rows[from];
      this.#remove(this.#mailboxes.byId(mailbox), seq, rows[to].seq);
      this.#expired.remember(mailbox, seq, rows[to].seq);
      from = to + 1;
    }
    const tombstones = this.#deleteTombstones.run(nowMs).changes;
    return { expired: rows.length, tombstones, more: rows.length === collectRows || tombstones === collectRows };
  }

  #isNew(mailbox: Mailbox, message: PackedMessage): boolean {
    const { id, sender, bodyHash, expires, until, received } = message;
    const { changes } = this.#insertDedup.run(
      mailbox.id,
      id,
      sender,
      bodyHash,
      mailbox.nextSeq,
      expires,
      until,
      received,
    );
    return changes === 1;
  }

  #remove(mailbox: Mailbox, first: number, last: number): number {
    const range = [mailbox.id, first, mailbox.id, last];
    const found = this.#measure.get(...range) as { messages: number; bytes: number };
    if (found.messages === 0) return 0;
    this.#delete.run(...range);
    this.#mailboxes.count(mailbox, -found.messages, -found.bytes);
    return found.messages;
  }
}

// Both hashes are public to the sender who made them: an ordinary comparison tells nothing.
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
