/**
 * Names, recovery, ends, closures, blocks and reports of a damaged database. Sessions are left behind: signing in makes
 * new ones.
 * @module
 */
import type { Database, Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import { openAccountEnd } from "../../../crypto/account_end.ts";
import { equal } from "../../../crypto/equal.ts";
import { unlessRefused } from "./refused.ts";
import type { Value } from "./cells.ts";
import type { AccountTable } from "./rows.ts";

/** Rows as SQLite gives them; of two images of a row the first one that is met stays. */
const inserts = {
  opaque_setup: "INSERT OR IGNORE INTO opaque_setup (one, sealed) VALUES (?, ?)",
  names: `INSERT OR IGNORE INTO names (id, folded, skeleton, name, account, record, registered, held_until)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  recoveries: "INSERT OR IGNORE INTO recoveries (account, sealed, crc, made, device) VALUES (?, ?, ?, ?, ?)",
  recovery_codes: "INSERT OR IGNORE INTO recovery_codes (locator_hash, account, wrapped) VALUES (?, ?, ?)",
  ended_accounts: "INSERT OR IGNORE INTO ended_accounts (account, bytes) VALUES (?, ?)",
  closures: "INSERT OR IGNORE INTO closures (account, kind, reason, since, until) VALUES (?, ?, ?, ?, ?)",
  blocks: "INSERT OR IGNORE INTO blocks (id, account, blocked) VALUES (?, ?, ?)",
  abuse_reports: `INSERT OR IGNORE INTO abuse_reports (id, reporter, accused, reason, at, crc, evidence)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
} as const satisfies Record<AccountTable, string>;

/** What an account had that has ended came from an older image of its row. */
const tidy = `
DELETE FROM names WHERE account IN (SELECT account FROM ended_accounts);
DELETE FROM recoveries WHERE account IN (SELECT account FROM ended_accounts);
DELETE FROM blocks WHERE account IN (SELECT account FROM ended_accounts);
DELETE FROM recovery_codes WHERE account NOT IN (SELECT account FROM recoveries);
`;

/** How much there is of accounts, and what was seen and is lost. */
export interface AccountCounts {
  readonly names: number;
  readonly recoveries: number;
  readonly lostRecoveries: number;
  /** False when there are names and what all passwords rest on is gone. */
  readonly passwords: boolean;
}

/** What goes into the new database of accounts. */
export class FoundAccounts {
  readonly #db: Database;
  readonly #inserts: Record<AccountTable, Statement>;
  readonly #ended: Statement;
  /** Accounts that have something for their recovery, or codes. */
  readonly #recoverable = new Set<string>();

  constructor(db: Database) {
    this.#db = db;
    const prepared = Object.entries(inserts).map(([table, sql]) => [table, db.prepare(sql)]);
    this.#inserts = Object.fromEntries(prepared) as Record<AccountTable, Statement>;
    this.#ended = db.prepare("SELECT 1 FROM ended_accounts WHERE account = ?");
  }

  /** Takes a row that matches its checksum; an end only when its signatures hold. */
  async add(table: AccountTable, rowid: number | null, values: readonly Value[]): Promise<void> {
    if (table === "recoveries" || table === "recovery_codes") {
      this.#recoverable.add((values[table === "recoveries" ? 0 : 1] as Uint8Array).toHex());
    }
    if (table === "ended_accounts") {
      const end = await openAccountEnd(values[1] as Uint8Array).catch(unlessRefused);
      if (end === null || !equal(end.account, values[0] as Uint8Array)) return;
    }
    if (!isSound(table, values)) return;
    const numbered = values[0] === null;
    if (numbered && !(rowid !== null && rowid >= 1)) return;
    if (table === "opaque_setup" && rowid !== 1) return;
    this.#inserts[table].run(...numbered ? [rowid, ...values.slice(1)] : values);
  }

  /** Whether an account has ended. */
  ended(account: Uint8Array): boolean {
    return this.#ended.get(account) !== undefined;
  }

  /** When all rows are in: makes them fit, and counts. */
  finish(): AccountCounts {
    this.#db.exec(tidy);
    const count = (sql: string) => this.#db.prepare(`SELECT count(*) FROM ${sql}`).pluck().get() as number;
    const names = count("names WHERE account IS NOT NULL"), recoveries = count("recoveries");
    const ended = [...this.#recoverable].filter((account) => this.ended(Uint8Array.fromHex(account))).length;
    return {
      names,
      recoveries,
      lostRecoveries: this.#recoverable.size - ended - recoveries,
      passwords: names === 0 || count("opaque_setup") > 0,
    };
  }
}

function isSound(table: AccountTable, values: readonly Value[]): boolean {
  if (table === "recoveries") return crc32(values[1] as Uint8Array) === values[2];
  if (table === "abuse_reports") return crc32(values[6] as Uint8Array) === values[5];
  // A name belongs to an account with a record, or is held back.
  if (table === "names") return values[4] === null ? values[7] !== null : typeof values[5] === "string";
  return true;
}
