/**
 * Databases as earlier versions of the program left them: the tables of that version from the checked-in migrations,
 * with the rows of a present database in the columns that there were then.
 * @module
 */
import Database from "better-sqlite3";

/** An open database. */
export type Db = Database.Database;

/** All rows by table; a table's rows stand in one order. */
export type Rows = ReadonlyMap<string, readonly Record<string, unknown>[]>;

/** Opens a database; with a key, the client's encrypted one (SQLCipher format, raw key). */
export function open(path: string, key?: Uint8Array): Db {
  const db = new Database(path);
  if (key) {
    db.pragma("cipher = 'sqlcipher'");
    (db as unknown as { key(key: Uint8Array): void }).key(Buffer.from(new TextEncoder().encode(`x'${key.toHex()}'`)));
  }
  db.defaultSafeIntegers();
  return db;
}

/**
 * Makes `path` a database of an earlier schema: `make` runs the migrations up to it, then it gets the rows of `present`.
 * A column of that schema that has no value today fails here: then the row needs to learn how to fill it. The table
 * `apart` holds the version itself.
 */
export function makeOld(options: {
  path: string;
  present: string;
  make: (db: Db) => void;
  apart?: string;
  key?: Uint8Array;
}): Rows {
  const old = open(options.path, options.key);
  const present = open(options.present, options.key);
  try {
    options.make(old);
    old.transaction(() => {
      for (const [table, columns] of tablesOf(old)) {
        const common = columns.filter((column) => tablesOf(present).get(table)?.includes(column)).join(", ");
        if (table === options.apart || common === "") continue;
        old.exec(`DELETE FROM ${table}`);
        for (const row of present.prepare(`SELECT ${common} FROM ${table}`).raw().iterate() as Iterable<unknown[]>) {
          old.prepare(`INSERT INTO ${table} (${common}) VALUES (${row.map(() => "?").join(", ")})`).run(...row);
        }
      }
    })();
    return rowsOf(old, options.apart);
  } finally {
    old.close();
    present.close();
  }
}

/** Every row of every table but `apart`. */
export function rowsOf(db: Db, apart?: string): Rows {
  const rows = new Map<string, Record<string, unknown>[]>();
  for (const [table, columns] of tablesOf(db)) {
    if (table === apart) continue;
    const found = db.prepare(`SELECT * FROM ${table} ORDER BY ${columns.join(", ")}`).all();
    rows.set(table, found as Record<string, unknown>[]);
  }
  return rows;
}

/** What an upgrade took away or changed, in words; columns and tables that it added do not count. */
export function differences(before: Rows, after: Rows): string[] {
  const found: string[] = [];
  for (const [table, rows] of before) {
    const now = after.get(table) ?? [];
    if (now.length !== rows.length) {
      found.push(`${table} had ${rows.length} rows and has ${now.length}`);
      continue;
    }
    const columns = Object.keys(rows[0] ?? {}).filter((column) => now.every((row) => column in row));
    const texts = (list: readonly Record<string, unknown>[]) =>
      list.map((row) => JSON.stringify(columns.map((column) => row[column]), withBigInts)).sort();
    const [was, is] = [texts(rows), texts(now)];
    if (was.some((text, index) => text !== is[index])) found.push(`rows of ${table} changed`);
  }
  return found;
}

/** How many rows there are in all. */
export function sizeOf(rows: Rows): number {
  return rows.values().reduce((sum, list) => sum + list.length, 0);
}

function tablesOf(db: Db): Map<string, string[]> {
  // Not the index of words and what is behind it: triggers fill it (https://www.sqlite.org/fts5.html, external content).
  const names = db.prepare(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
  ).all();
  return new Map((names as { name: string }[]).map(({ name }) => {
    const columns = db.prepare("SELECT name FROM pragma_table_info(?)").all(name) as { name: string }[];
    return [name, columns.map((column) => column.name)];
  }));
}

function withBigInts(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
