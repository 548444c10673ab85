/**
 * Closed accounts, blocks and reports in the writer.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import type { Closure, ReportBounds, ReportPut, StoredReport } from "./account_store.ts";
import type { Connection } from "./sqlite_connection.ts";

/** Statements on closures, blocks and reports, all inside the transaction of the batch. */
export class Moderation {
  readonly #close: Statement;
  readonly #reopen: Statement;
  readonly #collect: Statement;
  readonly #isBlocked: Statement;
  readonly #countBlocks: Statement;
  readonly #block: Statement;
  readonly #unblock: Statement;
  readonly #unblockAll: Statement;
  readonly #countReports: Statement;
  readonly #countOwnReports: Statement;
  readonly #putReport: Statement;
  readonly #deleteReport: Statement;

  constructor(db: Connection) {
    this.#close = db.prepare(
      "INSERT OR REPLACE INTO closures (account, kind, reason, since, until) VALUES (?, ?, ?, ?, ?)",
    );
    this.#reopen = db.prepare("DELETE FROM closures WHERE account = ?");
    this.#collect = db.prepare("DELETE FROM closures WHERE until <= ?");
    this.#isBlocked = db.prepare("SELECT 1 FROM blocks WHERE account = ? AND blocked = ?");
    this.#countBlocks = db.prepare("SELECT count(*) FROM blocks WHERE account = ?").pluck();
    this.#block = db.prepare("INSERT INTO blocks (account, blocked) VALUES (?, ?)");
    this.#unblock = db.prepare("DELETE FROM blocks WHERE account = ? AND blocked = ?");
    this.#unblockAll = db.prepare("DELETE FROM blocks WHERE account = ?");
    this.#countReports = db.prepare("SELECT count(*) FROM abuse_reports").pluck();
    this.#countOwnReports = db.prepare("SELECT count(*) FROM abuse_reports WHERE reporter = ?").pluck();
    this.#putReport = db.prepare(
      `INSERT OR IGNORE INTO abuse_reports (id, reporter, accused, reason, at, crc, evidence)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#deleteReport = db.prepare("DELETE FROM abuse_reports WHERE id = ?");
  }

  /** Replaces an earlier one of the account. */
  close({ account, kind, reason, sinceMs, untilMs }: Closure): void {
    this.#close.run(account, kind, reason, sinceMs, untilMs);
  }

  /** False when it was not closed. */
  reopen(account: Uint8Array): boolean {
    return this.#reopen.run(account).changes > 0;
  }

  /** See AccountStore. */
  block(account: Uint8Array, blocked: Uint8Array, max: number): boolean {
    if (this.#isBlocked.get(account, blocked) !== undefined) return true;
    if (this.#countBlocks.get(account) as number >= max) return false;
    this.#block.run(account, blocked);
    return true;
  }

  /** Takes back a block. */
  unblock(account: Uint8Array, blocked: Uint8Array): void {
    this.#unblock.run(account, blocked);
  }

  /** Takes back all of an account. */
  unblockAll(account: Uint8Array): void {
    this.#unblockAll.run(account);
  }

  /** See AccountStore. */
  putReport(report: StoredReport, { max, maxOfReporter }: ReportBounds): ReportPut {
    const { id, reporter, accused, reason, evidence, atMs } = report;
    if (this.#countOwnReports.get(reporter) as number >= maxOfReporter) return "too_many";
    if (this.#countReports.get() as number >= max) return "full";
    const { changes } = this.#putReport.run(id, reporter, accused, reason, atMs, crc32(evidence), evidence);
    return changes > 0 ? "stored" : "id_taken";
  }

  /** False when there is none. */
  deleteReport(id: string): boolean {
    return this.#deleteReport.run(id).changes > 0;
  }

  /** Ends closures whose time is over. */
  collect(nowMs: number): boolean {
    this.#collect.run(nowMs);
    return false;
  }
}
