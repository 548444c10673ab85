/**
 * Payloads that many mailboxes point to: stored once, gone with the last pointer.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { QightError } from "../../proto/errors.ts";
import type { Connection } from "./sqlite_connection.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";

/** Statements on payloads, all inside the transaction of the batch. */
export class Payloads {
  readonly #mailboxes: Mailboxes;
  readonly #insert: Statement;
  readonly #insertRefs: Statement;
  readonly #pointersIn: Statement;
  readonly #lower: Statement;
  readonly #deleteRefs: Statement;
  readonly #delete: Statement;

  constructor(db: Connection, mailboxes: Mailboxes) {
    this.#mailboxes = mailboxes;
    this.#insert = db.prepare("INSERT INTO payloads (crc, envelope) VALUES (?, ?)");
    this.#insertRefs = db.prepare("INSERT INTO payload_refs (id, pointers, size) VALUES (?, ?, ?)");
    this.#pointersIn = db.prepare(
      `SELECT payload AS id, count(*) AS pointers FROM messages
       WHERE slot BETWEEN (? << 36) | ? AND (? << 36) | ? AND payload > 0 GROUP BY payload`,
    );
    this.#lower = db.prepare("UPDATE payload_refs SET pointers = pointers - ? WHERE id = ? RETURNING pointers, size");
    this.#deleteRefs = db.prepare("DELETE FROM payload_refs WHERE id = ?");
    this.#delete = db.prepare("DELETE FROM payloads WHERE id = ?");
  }

  /** Stores the bytes; answers the number by which messages point to them. `pointed` must follow. */
  put(crc: number, envelope: Uint8Array): number {
    return Number(this.#insert.run(crc, envelope).lastInsertRowid);
  }

  /** Says how many mailboxes point to a payload; each has counted its bytes, in all they count once. */
  pointed(id: number, pointers: number, size: number): void {
    this.#insertRefs.run(id, pointers, size);
    this.#mailboxes.totals.bytes -= (pointers - 1) * size;
  }

  /** The messages of this stretch of a mailbox go: whatever nobody else points to goes with them. */
  release(mailbox: number, first: number, last: number): void {
    const rows = this.#pointersIn.all(mailbox, first, mailbox, last) as { id: number; pointers: number }[];
    for (const { id, pointers } of rows) {
      const left = this.#lower.get(pointers, id) as { pointers: number; size: number } | undefined;
      if (left === undefined || left.pointers < 0) {
        throw new QightError("store_damaged", `The database does not count who points to payload ${id}`);
      }
      const gone = left.pointers === 0;
      this.#mailboxes.totals.bytes += (gone ? pointers - 1 : pointers) * left.size;
      if (!gone) continue;
      this.#deleteRefs.run(id);
      this.#delete.run(id);
    }
  }
}
