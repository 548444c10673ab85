/**
 * The client's store in one encrypted SQLite file (SQLCipher format), shared by all processes of one identity.
 * @module
 */
import Database from "better-sqlite3";
import { closeSync, openSync } from "node:fs";
import { QightError } from "../../proto/errors.ts";
import { contactTable } from "./contact_table.ts";
import { conversationSettingTable } from "./conversation_setting_table.ts";
import { fileTable } from "./file_table.ts";
import { groupTable } from "./group_table.ts";
import { inviteTable } from "./invite_table.ts";
import { historyMarksTable } from "./history_marks_table.ts";
import { historyMoveTable } from "./history_move_table.ts";
import { historyTable } from "./history_table.ts";
import { keyPackageTable } from "./key_package_table.ts";
import { openedTable } from "./opened_table.ts";
import { ownChangeTable } from "./own_change_table.ts";
import { migrations } from "./schema.ts";
import { receiptTable } from "./receipt_table.ts";
import { receivingTables } from "./receiving_tables.ts";
import { recoveryMarkTable } from "./recovery_mark_table.ts";
import { reportableTable } from "./reportable_table.ts";
import { sendingTables } from "./sending_tables.ts";
import type { ClientStore, Tables } from "./store.ts";

/** Longest wait for another process that writes, milliseconds. */
const BUSY_TIMEOUT_MS = 30_000;

/**
 * Opens the store, making the file (0600) when it is absent. `key` is the identity's data key, 32 bytes.
 * `store_damaged` when the file is damaged or the key is another one; `io` when the disk fails.
 */
export function openSqliteStore(options: { path: string; key: Uint8Array }): Promise<ClientStore> {
  if (options.key.length !== 32) throw new QightError("invariant", "The data key of a store is not 32 bytes");
  return Promise.resolve(new SqliteStore(options.path, options.key));
}

class SqliteStore implements ClientStore {
  readonly #db: Database.Database;
  readonly #tables: Tables;
  #last: Promise<unknown> = Promise.resolve();
  #open = true;
  /** Asked once after a write of this handle. */
  #synced = false;

  constructor(path: string, key: Uint8Array) {
    this.#db = failing(path, () => openEncrypted(path, key));
    this.#tables = {
      ...sendingTables(this.#db),
      ...receivingTables(this.#db),
      receipts: receiptTable(this.#db),
      opened: openedTable(this.#db),
      reportable: reportableTable(this.#db),
      contacts: contactTable(this.#db),
      invites: inviteTable(this.#db),
      history: historyTable(this.#db),
      groups: groupTable(this.#db),
      keyPackages: keyPackageTable(this.#db),
      files: fileTable(this.#db),
      historyMarks: historyMarksTable(this.#db),
      historyMoves: historyMoveTable(this.#db),
      conversationSettings: conversationSettingTable(this.#db),
      ownChanges: ownChangeTable(this.#db),
      recoveryMarks: recoveryMarkTable(this.#db),
    };
  }

  write<T>(work: (tables: Tables) => T | Promise<T>): Promise<T> {
    return this.#alone(async () => {
      this.#run("BEGIN IMMEDIATE");
      try {
        const result = await work(this.#tables);
        this.#run("COMMIT");
        this.#assertSynced();
        return result;
      } catch (thrown) {
        // After a failed commit SQLite may have rolled back by itself.
        if (this.#db.inTransaction) this.#run("ROLLBACK");
        throw typed(this.#db.name, thrown);
      }
    });
  }

  read<T>(work: (tables: Tables) => T): Promise<T> {
    return this.#alone(() => Promise.resolve(failing(this.#db.name, () => work(this.#tables))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    await this.#last;
    this.#open = false;
    this.#db.close();
  }

  #assertSynced(): void {
    if (this.#synced) return;
    assertSynced(this.#db);
    this.#synced = true;
  }

  #run(sql: string): void {
    failing(this.#db.name, () => this.#db.exec(sql));
  }

  /** One at a time: work that awaits would else see its neighbour's statements inside its own transaction. */
  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => {
      if (!this.#open) throw new QightError("invariant", "The store is closed");
      return run();
    });
    this.#last = result.catch(() => {}); // the caller has the error; the next in line only waits
    return result;
  }
}

function openEncrypted(path: string, key: Uint8Array): Database.Database {
  if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    if (path !== ":memory:") {
      db.pragma("cipher = 'sqlcipher'");
      // A raw key skips the passphrase stretching: the data key is random already.
      const raw = new TextEncoder().encode(`x'${key.toHex()}'`);
      (db as unknown as { key(key: Uint8Array): void }).key(Buffer.from(raw));
      raw.fill(0);
    }
    db.pragma("temp_store = MEMORY");
    db.pragma("secure_delete = ON"); // erased secrets leave no copy in free pages
    db.pragma("foreign_keys = ON");
    if (path !== ":memory:") db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    // Only a store that is new or older is written to: each write is a sync that a short command would wait for.
    if (versionOf(db) !== migrations.length) migrate(db);
    assertSynced(db);
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

function migrate(db: Database.Database): void {
  db.exec("BEGIN IMMEDIATE"); // two processes may open a new store at once
  const done = versionOf(db);
  if (done > migrations.length) {
    db.exec("ROLLBACK");
    throw new QightError("io", "The store was written by a newer qight", { hint: "Install the newer version." });
  }
  for (const migration of migrations.slice(done)) db.exec(migration);
  db.pragma(`user_version = ${migrations.length}`);
  db.prepare("INSERT OR IGNORE INTO meta (name, value) VALUES ('made', x'01')").run();
  db.exec("COMMIT");
}

// The build has SQLITE_DEFAULT_WAL_SYNCHRONOUS=1: a WAL database falls back to NORMAL when it is first read or written, unless
// this connection has set the level itself. Asked after the first read (user_version) and again after the first write.
function assertSynced(db: Database.Database): void {
  if (db.pragma("synchronous", { simple: true }) !== 2) {
    throw new QightError("invariant", "SQLite does not sync each commit to disk");
  }
}

function versionOf(db: Database.Database): number {
  return db.pragma("user_version", { simple: true }) as number;
}

function failing<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    throw typed(path, thrown);
  }
}

function typed(path: string, thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const code = (thrown as { code?: unknown }).code;
  if (typeof code !== "string" || !code.startsWith("SQLITE_")) return thrown;
  if (code === "SQLITE_NOTADB" || code.startsWith("SQLITE_CORRUPT")) {
    return new QightError("store_damaged", `The store ${path} is damaged or belongs to another key`, {
      cause: thrown,
      hint: "Use the key file that made this store, or restore a copy.",
    });
  }
  if (code.startsWith("SQLITE_CONSTRAINT")) {
    return new QightError("invariant", `The store refused a row: ${thrown.message}`, { cause: thrown });
  }
  const why = code.startsWith("SQLITE_BUSY")
    ? "another process holds it"
    : code === "SQLITE_FULL"
    ? "the disk is full"
    : thrown.message;
  return new QightError("io", `The store ${path} cannot be used: ${why}`, { cause: thrown });
}
