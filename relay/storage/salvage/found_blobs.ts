/**
 * Files of a damaged database: chunks that match their checksums, counted only when the whole has its hash.
 * @module
 */
import type { Database, Statement } from "better-sqlite3";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { equal } from "../../../crypto/equal.ts";
import type { Value } from "./cells.ts";
import type { BlobTable } from "./rows.ts";

/** Rows as SQLite gives them; of two images of a file the one with more bytes stays. */
const inserts = {
  blobs: `INSERT INTO blobs (id, sha256, size, received, state, expires) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size, received = excluded.received,
      state = excluded.state, expires = excluded.expires WHERE excluded.received > received
    ON CONFLICT DO NOTHING`,
  blob_claims: "INSERT OR IGNORE INTO blob_claims (account, sha256, size, until) VALUES (?, ?, ?, ?)",
  blob_chunks: "INSERT OR REPLACE INTO blob_chunks (slot, crc, sha256, bytes) VALUES (?, ?, ?, ?)",
} as const satisfies Record<BlobTable, string>;

const GONE = 2;

/** What of files goes into the new database. What had not come whole is left: its sender brings it again. */
export class FoundBlobs {
  readonly #db: Database;
  readonly #inserts: Record<BlobTable, Statement>;
  readonly #seen = new Set<string>();

  constructor(db: Database) {
    this.#db = db;
    const prepared = Object.entries(inserts).map(([table, sql]) => [table, db.prepare(sql)]);
    this.#inserts = Object.fromEntries(prepared) as Record<BlobTable, Statement>;
  }

  /** Takes a row; a chunk only when it matches its checksum. */
  add(table: BlobTable, rowid: number | null, values: readonly Value[]): void {
    if (table === "blob_claims") return void this.#inserts.blob_claims.run(...values);
    if (rowid === null || rowid < 1) return;
    if (table === "blob_chunks" && crc32(values[3] as Uint8Array) !== values[1]) return;
    if (table === "blobs") {
      const [, sha256, size, received, state] = values;
      // One that comes or goes is no loss to anybody who was sent it.
      if (state === GONE || received !== size) return;
      this.#seen.add((sha256 as Uint8Array).toHex());
    }
    this.#inserts[table].run(rowid, ...values.slice(1));
  }

  /** When all rows are in: keeps the files that are whole; answers how many, and how many are lost. */
  finish(): { blobs: number; lostFiles: number } {
    const rows = this.#db.prepare("SELECT id, sha256, size FROM blobs").all() as {
      id: number;
      sha256: Uint8Array;
      size: number;
    }[];
    const whole = rows.filter((row) => this.#isWhole(row));
    const kept = new Set(whole.map(({ id }) => id));
    const remove = this.#db.prepare("DELETE FROM blobs WHERE id = ?");
    for (const { id } of rows) if (!kept.has(id)) remove.run(id);
    this.#db.exec(`
      UPDATE blobs SET received = size, state = 1;
      DELETE FROM blob_chunks WHERE slot >> 28 NOT IN (SELECT id FROM blobs);
      DELETE FROM blob_claims WHERE sha256 NOT IN (SELECT sha256 FROM blobs);`);
    return { blobs: whole.length, lostFiles: this.#seen.size - whole.length };
  }

  #isWhole({ id, sha256, size }: { id: number; sha256: Uint8Array; size: number }): boolean {
    const chunks = this.#db.prepare(
      `SELECT slot & 268435455 AS start, bytes FROM blob_chunks
       WHERE slot BETWEEN ? << 28 AND (? << 28) | 268435455 ORDER BY slot`,
    );
    const hash = createHash("sha256");
    let at = 0;
    for (const { start, bytes } of chunks.iterate(id, id) as Iterable<{ start: number; bytes: Uint8Array }>) {
      if (start !== at) return false;
      hash.update(bytes);
      at += bytes.length;
    }
    return at === size && equal(hash.digest(), Uint8Array.from(sha256));
  }
}
