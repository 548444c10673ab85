/**
 * Bits that are flipped in what a relay keeps of accounts: seen by the check at the start, or told by the table and column
 * that they changed.
 * @module
 */
import Database from "better-sqlite3";
import { memoryFolder } from "../disk/memory_folder.ts";
import { Reopened } from "../disk/reopened.ts";
import { failureOf } from "../../../relay/storage/sqlite_failure.ts";

const TABLES = [
  "opaque_setup",
  "names",
  "sessions",
  "devices_seen",
  "recoveries",
  "recovery_codes",
  "ended_accounts",
  "closures",
  "blocks",
  "abuse_reports",
] as const;

/**
 * Columns that nothing at the start can check. What is secret in them opens with nobody's keys any more (a record and the
 * setup with no password, what a code wraps with no code), an end does not match its signatures, and the rest is dates
 * and which device made recovery codes.
 */
const CHECKED_BY_OTHERS = [
  "opaque_setup.sealed",
  "names.record",
  "names.name",
  "names.registered",
  "sessions.created",
  "devices_seen.seen",
  "recoveries.made",
  "recoveries.device",
  "recovery_codes.wrapped",
  "ended_accounts.bytes",
];

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
      if (!CHECKED_BY_OTHERS.includes(column)) {
        complaints.push(`a bit of byte ${at} changed ${column}, and nothing is said`);
      }
    }
    for (const suffix of ["", "-wal", "-shm"]) removeIfThere(`${copy}${suffix}`);
  }
  return { counts, complaints };
}

type Rows = ReadonlyMap<string, readonly Record<string, unknown>[]>;

/** Null when the relay would not start; else the columns that are others now. */
function changedBy(path: string, before: Rows): string[] | null {
  try {
    using reopened = new Reopened(path, Date.now());
    if (reopened.check().length > 0) return null;
  } catch (thrown) {
    if (failureOf(thrown).code === "store_damaged") return null;
    throw thrown;
  }
  const after = look(path).rows;
  return [...before].flatMap(([table, rows]) => {
    const now = after.get(table)!;
    if (now.length !== rows.length) return [`${table}.rows`];
    const columns = Object.keys(rows[0] ?? {});
    return columns.filter((column) => rows.some((row, at) => told(row[column]) !== told(now[at][column])))
      .map((column) => `${table}.${column}`);
  });
}

function look(path: string): { pages: number[]; rows: Rows } {
  const db = new Database(path, { readonly: true });
  try {
    const places = TABLES.map(() => "?").join(", ");
    const pages = db.prepare(
      `SELECT pageno FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name IN (${places}))`,
    ).pluck().all(...TABLES) as number[];
    const rows = TABLES.map((table) => {
      return [table, db.prepare(`SELECT * FROM ${table} ORDER BY 1`).all() as Record<string, unknown>[]] as const;
    });
    return { pages, rows: new Map(rows) };
  } finally {
    db.close();
  }
}

function told(value: unknown): string {
  return value instanceof Uint8Array ? new Uint8Array(value).toHex() : String(value);
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
