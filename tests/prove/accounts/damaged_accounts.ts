/**
 * Bits that are flipped in what a relay keeps of accounts: seen by the check at the start, or told by the table and column
 * that they changed.
 * @module
 */
import Database from "better-sqlite3";
import { memoryFolder } from "../disk/memory_folder.ts";
import { Reopened } from "../disk/reopened.ts";
import {
  type AccountRows,
  accountRows,
  accountTables,
  changedColumns,
  isCheckedByOthers,
} from "../disk/stored_accounts.ts";
import { failureOf } from "../../../relay/storage/sqlite_failure.ts";

/** What became of the flips. */
export interface Flips {
  readonly counts: Record<string, number>;
  readonly complaints: string[];
}

/** Flips bits in the pages of these tables and their indices, one in each copy of the database. */
export function damageAccounts(path: string, flips: number, chance: () => number): Flips {
  using folder = memoryFolder();
  const whole = `${folder.path}/whole.db`;
  const original = new Database(path);
  original.prepare("VACUUM INTO ?").run(whole);
  original.close();
  // As a relay leaves it that ended in order: without the mark that it has a log.
  const closed = new Database(whole);
  closed.pragma("user_version = 0");
  closed.close();
  const bytes = Deno.readFileSync(whole);
  const { pages, rows } = look(whole);
  const counts: Record<string, number> = { flips, seen_at_start: 0, harmless: 0 };
  const complaints: string[] = [];
  const control = `${folder.path}/control.db`;
  Deno.writeFileSync(control, bytes);
  if (changedBy(control, rows)?.length !== 0) complaints.push("the database was not whole before anything was flipped");
  for (let n = 0; n < flips; n++) {
    const at = (pages[Math.floor(chance() * pages.length)] - 1) * 4096 + Math.floor(chance() * 4096);
    const damaged = bytes.slice();
    damaged[at] ^= 1 << Math.floor(chance() * 8);
    const copy = `${folder.path}/${n}.db`;
    Deno.writeFileSync(copy, damaged);
    const changed = changedBy(copy, rows);
    if (changed === null) counts.seen_at_start++;
    else if (changed.length === 0) counts.harmless++;
    for (const column of changed ?? []) {
      counts[`unseen_${column}`] = (counts[`unseen_${column}`] ?? 0) + 1;
      if (!isCheckedByOthers(column)) {
        complaints.push(`a bit of byte ${at} changed ${column}, and nothing is said`);
      }
    }
    for (const suffix of ["", "-wal", "-shm"]) removeIfThere(`${copy}${suffix}`);
  }
  return { counts, complaints };
}

/** Null when the relay would not start; else the columns that are others now. */
function changedBy(path: string, before: AccountRows): string[] | null {
  try {
    using reopened = new Reopened(path, Date.now());
    if (reopened.check().length > 0) return null;
  } catch (thrown) {
    if (failureOf(thrown).code === "store_damaged") return null;
    throw thrown;
  }
  return changedColumns(before, look(path).rows);
}

function look(path: string): { pages: number[]; rows: AccountRows } {
  const db = new Database(path, { readonly: true });
  try {
    const tables = Object.keys(accountTables);
    const places = tables.map(() => "?").join(", ");
    const pages = db.prepare(
      `SELECT pageno FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name IN (${places}))`,
    ).pluck().all(...tables) as number[];
    return { pages, rows: accountRows(db) };
  } finally {
    db.close();
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
