/**
 * Messages in the writer: store once, acknowledge, expire.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import { equal } from "../../crypto/equal.ts";
import type { GroupNotice } from "./group_store.ts";
import { encodeNotice, NOTICE_BYTES, noticeFits } from "./notices.ts";
import type { Enqueued, Range, StoreLimits } from "./store.ts";
import type { Connection } from "./sqlite_connection.ts";
import { ExpiredRanges } from "./sqlite_expired.ts";
import type { Mailbox, Mailboxes } from "./sqlite_mailboxes.ts";
import type { Payloads } from "./sqlite_payloads.ts";
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
  readonly #payloads: Payloads;
  readonly #expired: ExpiredRanges;
  readonly #insertDedup: Statement;
  readonly #selectDedup: Statement;
  readonly #insert: Statement;
  readonly #insertPointer: Statement;
  readonly #insertNotice: Statement;
  readonly #measure: Statement;
  readonly #delete: Statement;
  readonly #selectExpired: Statement;
  readonly #deleteTombstones: Statement;

  constructor(db: Connection, mailboxes: Mailboxes, payloads: Payloads) {
    this.#mailboxes = mailboxes;
    this.#payloads = payloads;
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
    this.#insertPointer = db.prepare(
      `INSERT INTO messages (slot, received, expires, crc, envelope, payload, size)
       VALUES ((? << 36) | ?, ?, ?, ?, x'', ?, ?)`,
    );
    this.#insertNotice = db.prepare(
      "INSERT INTO messages (slot, received, expires, crc, envelope, payload) VALUES ((? << 36) | ?, ?, ?, ?, ?, 0)",
    );
    const between = "FROM messages WHERE slot BETWEEN (? << 36) | ? AND (? << 36) | ?";
    this.#measure = db.prepare(
      `SELECT count(*) AS messages, coalesce(sum(coalesce(size, length(envelope))), 0) AS bytes,
         count(*) FILTER (WHERE payload > 0) AS pointers,
         count(*) FILTER (WHERE payload = 0) AS notices ${between}`,
    );
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
    const storeFull = !mayGrow || this.#mailboxes.totals.bytes + message.envelope.length > limits.maxTotal;
    outcomes.push(this.#offer(mailbox, message, limits, storeFull, ({ id }, seq) => {
      this.#insert.run(id, seq, message.received, message.expires, crc32(message.envelope), message.envelope);
    }));
  }

  /** The same for a mailbox that gets a pointer; `payloadId` stores the payload when it is first needed. */
  point(
    mailbox: Mailbox | null,
    message: PackedMessage,
    limits: StoreLimits,
    storeFull: boolean,
    payload: { readonly crc: number; readonly id: () => number },
  ): Enqueued {
    return this.#offer(mailbox, message, limits, storeFull, ({ id }, seq) => {
      const { received, expires, envelope: { length } } = message;
      this.#insertPointer.run(id, seq, received, expires, payload.crc, payload.id(), length);
    });
  }

  /** What a mailbox knows of a message; null when it is new there. */
  known(mailbox: Mailbox, message: PackedMessage): Enqueued | null {
    const known = this.#selectDedup.get(mailbox.id, message.id, message.sender) as Known | undefined;
    if (known === undefined) return null;
    // Both hashes are public to the sender who made them.
    if (!equal(known.body_hash, message.bodyHash)) return { kind: "id_conflict" };
    return { kind: "duplicate", seq: known.seq, expiresAtMs: known.expires, receivedAtMs: known.received };
  }

  /** Puts a notice into a mailbox that has room for it; answers its number, or null. */
  notice(
    mailbox: Mailbox,
    notice: GroupNotice,
    times: { readonly received: number; readonly expires: number },
    limits: StoreLimits,
  ): number | null {
    if (!mailbox.listed || !noticeFits(notice.kind, mailbox, limits)) return null;
    const bytes = encodeNotice(notice);
    const seq = mailbox.nextSeq++;
    this.#insertNotice.run(mailbox.id, seq, times.received, times.expires, crc32(bytes), bytes);
    this.#mailboxes.count(mailbox, 1, NOTICE_BYTES);
    return seq;
  }

  #offer(
    mailbox: Mailbox | null,
    message: PackedMessage,
    limits: StoreLimits,
    storeFull: boolean,
    insert: (mailbox: Mailbox, seq: number) => void,
  ): Enqueued {
    if (mailbox === null || !mailbox.listed) return { kind: "no_such_recipient" };
    const { length } = message.envelope;
    const queueFull = mailbox.messages >= limits.maxQueue || mailbox.bytes + length > limits.maxQueueBytes;
    // A repeated message is answered like the first time even when there is no room for new ones.
    if (queueFull || storeFull || !this.#isNew(mailbox, message)) {
      const known = this.known(mailbox, message);
      if (known !== null) return known;
      const { messages, bytes } = mailbox;
      return queueFull ? { kind: "queue_full", messages, bytes } : { kind: "storage_full" };
    }
    const seq = mailbox.nextSeq++;
    insert(mailbox, seq);
    this.#mailboxes.count(mailbox, 1, length);
    return { kind: "stored", seq, expiresAtMs: message.expires };
  }

  /** Deletes what lies in the ranges; returns how many messages that were, notices not among them. */
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

  /** Empties a mailbox whose device is listed no more; what was sent to it stays known for its time. */
  dropAll(device: Uint8Array): void {
    const mailbox = this.#mailboxes.find(device);
    if (mailbox === null) return;
    this.#remove(mailbox, 1, mailbox.nextSeq - 1);
    this.#expired.forget(mailbox.id, mailbox.nextSeq - 1);
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
    const found = this.#measure.get(...range) as Record<"messages" | "bytes" | "pointers" | "notices", number>;
    if (found.messages === 0) return 0;
    if (found.pointers > 0) this.#payloads.release(mailbox.id, first, last);
    this.#delete.run(...range);
    this.#mailboxes.count(mailbox, -found.messages, -found.bytes);
    return found.messages - found.notices;
  }
}
