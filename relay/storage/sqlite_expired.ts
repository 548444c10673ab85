/**
 * Ranges that expired unread, remembered until the reader is past them. Neighbours are merged: a mailbox nobody reads
 * costs one row.
 * @module
 */
import type { Statement } from "better-sqlite3";
import type { Connection } from "./sqlite_connection.ts";

/** Statements on remembered ranges. */
export class ExpiredRanges {
  readonly #endingAt: Statement;
  readonly #startingAt: Statement;
  readonly #put: Statement;
  readonly #delete: Statement;
  readonly #forget: Statement;

  constructor(db: Connection) {
    this.#endingAt = db.prepare(
      `SELECT first, last FROM expired WHERE mailbox = ? AND first <= ? ORDER BY first DESC LIMIT 1`,
    );
    this.#startingAt = db.prepare("SELECT last FROM expired WHERE mailbox = ? AND first = ?");
    this.#put = db.prepare("INSERT OR REPLACE INTO expired (mailbox, first, last) VALUES (?, ?, ?)");
    this.#delete = db.prepare("DELETE FROM expired WHERE mailbox = ? AND first = ?");
    this.#forget = db.prepare("DELETE FROM expired WHERE mailbox = ? AND last <= ?");
  }

  /** Adds a range and merges it with its neighbours. */
  remember(mailbox: number, first: number, last: number): void {
    const before = this.#endingAt.get(mailbox, first) as { first: number; last: number } | undefined;
    const after = this.#startingAt.get(mailbox, last + 1) as { last: number } | undefined;
    if (after !== undefined) this.#delete.run(mailbox, last + 1);
    const start = before !== undefined && before.last === first - 1 ? before.first : first;
    this.#put.run(mailbox, start, after?.last ?? last);
  }

  /**
   * Forgets ranges up to a sequence number that the reader acknowledged: the page that brought it told of them.
   * A range acknowledged by itself (nothing else was left) is forgotten the same way.
   */
  forget(mailbox: number, acknowledged: number): void {
    this.#forget.run(mailbox, acknowledged);
  }
}
