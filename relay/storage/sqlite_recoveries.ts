/**
 * What is kept for recovery, in the writer.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import type { StoredRecovery } from "./account_store.ts";
import type { Connection } from "./sqlite_connection.ts";

/** Statements on recoveries, all inside the transaction of the batch. */
export class Recoveries {
  readonly #accountOf: Statement;
  readonly #put: Statement;
  readonly #putCode: Statement;
  readonly #renew: Statement;
  readonly #madeBy: Statement;
  readonly #delete: Statement;
  readonly #deleteCodes: Statement;

  constructor(db: Connection) {
    this.#accountOf = db.prepare("SELECT account FROM recovery_codes WHERE locator_hash = ?").pluck();
    this.#put = db.prepare("INSERT INTO recoveries (account, sealed, crc, made, device) VALUES (?, ?, ?, ?, ?)");
    this.#putCode = db.prepare("INSERT INTO recovery_codes (locator_hash, account, wrapped) VALUES (?, ?, ?)");
    this.#renew = db.prepare("UPDATE recoveries SET sealed = ?, crc = ? WHERE account = ?");
    this.#madeBy = db.prepare("SELECT 1 FROM recoveries WHERE account = ? AND device = ?");
    this.#delete = db.prepare("DELETE FROM recoveries WHERE account = ?");
    this.#deleteCodes = db.prepare("DELETE FROM recovery_codes WHERE account = ?");
  }

  /** Whose code this is, or null. */
  accountOf(locatorHash: Uint8Array): Uint8Array | null {
    return (this.#accountOf.get(locatorHash) as Uint8Array | undefined) ?? null;
  }

  /** Replaces all of an account. A locator that somebody has already fails the whole change. */
  put({ account, device, sealed, codes, madeAtMs }: StoredRecovery): void {
    this.drop(account);
    this.#put.run(account, sealed, crc32(sealed), madeAtMs, device);
    for (const { locatorHash, wrapped } of codes) this.#putCode.run(locatorHash, account, wrapped);
  }

  /** What the codes of an account open from now on; false when it has none. */
  renew(account: Uint8Array, sealed: Uint8Array): boolean {
    return this.#renew.run(sealed, crc32(sealed), account).changes > 0;
  }

  /** The codes that this device made for an account are worth nothing any more. */
  dropMadeBy(device: Uint8Array, account: Uint8Array): void {
    if (this.#madeBy.get(account, device) !== undefined) this.drop(account);
  }

  /** Nothing is left of an account. */
  drop(account: Uint8Array): void {
    this.#deleteCodes.run(account);
    this.#delete.run(account);
  }
}
