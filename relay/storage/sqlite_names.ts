/**
 * Names with their password records in the writer.
 * @module
 */
import type { Statement } from "better-sqlite3";
import type { NamedAccount } from "./account_store.ts";
import type { Connection } from "./sqlite_connection.ts";

/** Rows that one step of collection removes. */
const collectRows = 256;

/** Statements on names, all inside the transaction of the batch. */
export class Names {
  readonly #taken: Statement;
  readonly #of: Statement;
  readonly #free: Statement;
  readonly #insert: Statement;
  readonly #setRecord: Statement;
  readonly #hold: Statement;
  readonly #collect: Statement;

  constructor(db: Connection) {
    const alike = "(folded = ? OR skeleton = ?)";
    this.#taken = db.prepare(`SELECT 1 FROM names WHERE ${alike} AND (account IS NOT NULL OR held_until > ?)`);
    this.#of = db.prepare("SELECT name FROM names WHERE account = ?").pluck();
    this.#free = db.prepare(`DELETE FROM names WHERE ${alike} AND account IS NULL`);
    this.#insert = db.prepare(
      "INSERT INTO names (folded, skeleton, name, account, record, registered) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#setRecord = db.prepare("UPDATE names SET record = ? WHERE account = ?");
    this.#hold = db.prepare("UPDATE names SET account = NULL, record = NULL, held_until = ? WHERE account = ?");
    this.#collect = db.prepare(`DELETE FROM names WHERE held_until <= ? ORDER BY held_until LIMIT ${collectRows}`);
  }

  /** The name of an account as it was written, or null. */
  of(account: Uint8Array): string | null {
    return (this.#of.get(account) as string | undefined) ?? null;
  }

  /** Whether somebody has a name that looks like this one, or had it until lately. */
  isTaken({ folded, skeleton, registeredAtMs }: NamedAccount): boolean {
    return this.#taken.get(folded, skeleton, registeredAtMs) !== undefined;
  }

  /** Adds a name that is not taken. */
  add({ folded, skeleton, name, account, record, registeredAtMs }: NamedAccount): void {
    this.#free.run(folded, skeleton);
    this.#insert.run(folded, skeleton, name, account, record, registeredAtMs);
  }

  /** False when the account has no name. */
  setRecord(account: Uint8Array, record: string): boolean {
    return this.#setRecord.run(record, account).changes > 0;
  }

  /** Takes a name from its account, and keeps others from it. */
  hold(account: Uint8Array, untilMs: number): void {
    this.#hold.run(untilMs, account);
  }

  /** Lets some names go that were held long enough; true when there may be more. */
  collect(nowMs: number): boolean {
    return this.#collect.run(nowMs).changes === collectRows;
  }
}
