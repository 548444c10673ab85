/**
 * What salvage made of accounts, beside what there was and which pages were damaged.
 * @module
 */
import { openForReading } from "../../../relay/storage/sqlite_connection.ts";
import { type AccountRows, accountRows, type AccountTable, accountTables, rowInWords } from "./stored_accounts.ts";

const pageBytes = 4096;

/** Columns with a checksum or signatures: what is in them came over as it was, or not at all. */
const checked = { recoveries: "sealed", abuse_reports: "evidence", ended_accounts: "bytes" } as const;

/** What became of the accounts of one damaged database. */
export interface AccountsBack {
  /** Rows of undamaged pages, all of which have to come over. */
  readonly whole: number;
  readonly back: number;
  readonly complaints: readonly string[];
}

/** Compares a salvaged database with the one that was damaged: its bytes before and after, and its rows. */
export class AccountPages {
  readonly #database: Uint8Array;
  readonly #rows: AccountRows;
  /** Pages of each table, without its indices. */
  readonly #pages: ReadonlyMap<AccountTable, readonly number[]>;
  /** Tables with rows that go on in other pages. */
  readonly #long: ReadonlySet<string>;
  /** Pages that say which pages are free: damage there brings older rows back, or hides a page. */
  readonly #trunks: readonly number[];

  /** Reads the undamaged database. */
  constructor(path: string) {
    this.#database = Deno.readFileSync(path);
    const db = openForReading(path);
    try {
      this.#rows = accountRows(db);
      const pages = db.prepare("SELECT pageno FROM dbstat WHERE name = ?").pluck();
      const tables = Object.keys(accountTables) as AccountTable[];
      this.#pages = new Map(tables.map((table) => [table, pages.all(table) as number[]]));
      const overflow = "SELECT DISTINCT name FROM dbstat WHERE pagetype = 'overflow'";
      this.#long = new Set(db.prepare(overflow).pluck().all() as string[]);
      this.#trunks = trunksOf(this.#database);
    } finally {
      db.close();
    }
  }

  /** A place in the tables of accounts. */
  place(chance: () => number): number {
    const pages = [...this.#pages.values()].flat();
    return (pages[Math.floor(chance() * pages.length)] - 1) * pageBytes + Math.floor(chance() * pageBytes);
  }

  /** Looks at what was salvaged from these damaged bytes. */
  compare(damaged: Uint8Array, target: string): AccountsBack {
    const complaints: string[] = [];
    const found = rowsOf(target);
    const isWhole = (page: number) => same(page, damaged, this.#database);
    const listIsWhole = numberAt(damaged, freeListAt) === numberAt(this.#database, freeListAt) &&
      this.#trunks.every(isWhole);
    let whole = 0, back = 0;
    const accounts = new Set(this.#wholeRows("recoveries", isWhole).map(({ account }) => hexOf(account)));
    for (const [table, rows] of this.#rows) {
      if (!accountTables[table]) continue;
      const before = new Set(rows.map(rowInWords));
      const now = new Set(found.get(table)!.map(rowInWords));
      back += now.size;
      const others = [...now].filter((row) => !before.has(row));
      const flips = this.#pages.get(table)!.reduce((sum, page) => sum + bitsBetween(page, damaged, this.#database), 0);
      if (others.length > flips) {
        complaints.push(
          `salvage made up ${others.length} rows of ${table} of ${flips} flipped bits (${others[0].slice(0, 120)})`,
        );
      }
      if (!listIsWhole) continue;
      for (const row of this.#wholeRows(table, isWhole)) {
        // Codes open what is kept beside them, and go with it.
        if (table === "recovery_codes" && !accounts.has(hexOf(row.account))) continue;
        whole++;
        if (!now.has(rowInWords(row))) {
          complaints.push(`salvage left a whole row of ${table} behind: ${short(row)}`);
        }
      }
    }
    for (const [table, column] of Object.entries(checked) as [keyof typeof checked, string][]) {
      const known = new Set(this.#rows.get(table)!.map((row) => hexOf(row[column])));
      const other = found.get(table)!.find((row) => !known.has(hexOf(row[column])));
      if (other) complaints.push(`salvage brought over what fails its check: ${table} ${short(other)}`);
    }
    return { whole, back, complaints };
  }

  /** Rows whose key is on undamaged pages alone; where rows go on in other pages, all of the table or none. */
  #wholeRows(table: AccountTable, isWhole: (page: number) => boolean): readonly Record<string, unknown>[] {
    const pages = this.#pages.get(table)!;
    if (this.#long.has(table)) return pages.every(isWhole) ? this.#rows.get(table)! : [];
    return this.#rows.get(table)!.filter((row) => {
      const key = Object.values(row).find((value) => value instanceof Uint8Array || typeof value === "string");
      const bytes = typeof key === "string" ? new TextEncoder().encode(key) : key as Uint8Array;
      return pages.every((page) => isWhole(page) || !this.#holds(page, bytes));
    });
  }

  #holds(page: number, bytes: Uint8Array): boolean {
    const from = (page - 1) * pageBytes;
    const at = latin1.decode(this.#database.subarray(from, from + pageBytes)).indexOf(latin1.decode(bytes));
    return at >= 0;
  }
}

/** Where the head names the first page of the list of free ones, and a page of it the next (sqlite.org/fileformat2.html §1.5). */
const freeListAt = 32;

function trunksOf(database: Uint8Array): number[] {
  const trunks: number[] = [];
  for (let page = numberAt(database, freeListAt); page > 0; page = numberAt(database, (page - 1) * pageBytes)) {
    trunks.push(page);
  }
  return trunks;
}

function numberAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

const latin1 = new TextDecoder("latin1");

function short(row: Record<string, unknown>): string {
  return rowInWords(row).slice(0, 120);
}

function rowsOf(path: string): AccountRows {
  const db = openForReading(path);
  try {
    return accountRows(db);
  } finally {
    db.close();
  }
}

function same(page: number, a: Uint8Array, b: Uint8Array): boolean {
  return page * pageBytes <= a.length && bitsBetween(page, a, b) === 0;
}

/** Bits that differ; all of a page that is cut off. */
function bitsBetween(page: number, a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let at = (page - 1) * pageBytes; at < page * pageBytes; at++) {
    for (let differs = (a[at] ?? 0) ^ b[at]; differs > 0; differs &= differs - 1) bits++;
  }
  return bits;
}

function hexOf(value: unknown): string {
  return new Uint8Array(value as Uint8Array).toHex();
}
