/**
 * Opens SQLite the one way the relay trusts: WAL, FULL, checked after a write.
 * @module
 */
import Database from "better-sqlite3";
import { QightError } from "../../proto/errors.ts";
import { assertLogThere, LOG_BELONGS } from "./log_check.ts";
import { checkCounters, checkPages } from "./sqlite_upkeep.ts";
import { migrate, schemaOf } from "./migrations/migrate.ts";

/** An open connection. */
export type Connection = Database.Database;

/** Files up to this many bytes are checked whole at every start; larger ones on demand, a start must stay under 3 s. */
const checkAtStartBytes = 64 * 1024 * 1024;

/** Opens for writing: creates the file (0600) when absent, migrates it, checks it, proves that commits are synced. */
export function openForWriting(path: string): Connection {
  const size = createPrivately(path);
  let keepsLog = size > 0 && assertLogThere(path);
  const db = new Database(path, { timeout: 5_000 });
  try {
    const mode = db.pragma("journal_mode = WAL", { simple: true });
    if (mode !== "wal") throw new QightError("io", `The database cannot use a write-ahead log here (${mode})`);
    setUp(db);
    // Errors of SQLite's own automatic checkpoint are ignored by it (wal.c, sqlite3WalDefaultHook), a failed sync
    // among them, so checkpoints are run explicitly by the writer and their errors seen.
    db.pragma("wal_autocheckpoint = 0");
    db.pragma(`journal_size_limit = ${16 * 1024 * 1024}`);
    const checked = size > 0 && size <= checkAtStartBytes;
    if (checked) assertSound(checkPages(db, 3));
    migrate(db);
    if (checked) assertSound(checkCounters(db));
    // docs/decisions/0005-sqlite.md 1: the build falls back to NORMAL at the first write of a WAL database, so write, then look.
    const version = schemaOf(db);
    keepsLog = true;
    db.transaction(() => {
      db.prepare("UPDATE schema_version SET version = ?").run(version);
      db.pragma(`user_version = ${LOG_BELONGS}`);
    })();
    assertSynchronous(db);
    return db;
  } catch (thrown) {
    // An empty one too: the database still says that it has one, and the next try would take it for lost.
    if (keepsLog) closeLeavingLog(db, path);
    else db.close();
    throw thrown;
  }
}

/**
 * Closes a database that cannot be used, and leaves it and its log as they are: the last connection would move the log
 * into the damaged file and remove it. A connection that may only read, closed last, cannot.
 */
export function closeLeavingLog(db: Connection, path: string): void {
  let keep: Connection | null = null;
  try {
    keep = new Database(path, { readonly: true });
    keep.pragma("schema_version");
  } catch {
    // Not even readable: then SQLite cannot move the log either, and the error that brought us here says why.
  }
  const hadLog = isThere(`${path}-wal`);
  db.close();
  keep?.close();
  // SQLite removes a log only when all of it is in the database and synced; an empty one then says what the mark in the
  // database says (log_check.ts). Seen on a full disk, where the second connection cannot always be opened.
  if (hadLog && !isThere(`${path}-wal`)) {
    Deno.openSync(`${path}-wal`, { create: true, append: true, mode: 0o600 }).close();
  }
}

/** Opens an existing database for reading only. */
export function openForReading(path: string): Connection {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
  setUp(db);
  return db;
}

/** Throws `invariant` unless every commit of this connection is synced before it returns. */
function assertSynchronous(db: Connection): void {
  const level = synchronousOf(db);
  if (level !== 2) throw new QightError("invariant", `SQLite would not sync commits: synchronous is ${level}, not 2`);
}

/** `PRAGMA synchronous`: 2 is FULL. */
export function synchronousOf(db: Connection): number {
  return db.pragma("synchronous", { simple: true }) as number;
}

function setUp(db: Connection): void {
  db.pragma("synchronous = FULL");
  db.pragma("temp_store = MEMORY");
  db.pragma("cell_size_check = ON");
  db.pragma("trusted_schema = OFF");
}

function assertSound(found: readonly string[]): void {
  if (found.length === 0) return;
  throw new QightError("store_damaged", `The database is damaged: ${found.join("; ").slice(0, 300)}`);
}

/** SQLite gives its log the mode of the database, so one private file makes all of them private. */
function createPrivately(path: string): number {
  using file = Deno.openSync(path, { create: true, read: true, write: true, mode: 0o600 });
  return file.statSync().size;
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
