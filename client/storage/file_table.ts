/**
 * The store's table of files on their way to a relay.
 * @module
 */
import type Database from "better-sqlite3";

/** SQL of the table, and of what the history knows of files that wait at a relay; a step of schema.ts. */
export const fileSchema = `
  CREATE TABLE upload (
    relay TEXT NOT NULL,
    recipient BLOB NOT NULL,
    file_sha256 BLOB NOT NULL,
    key BLOB NOT NULL,
    blob_sha256 BLOB NOT NULL,
    message BLOB,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (relay, recipient, file_sha256)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX upload_at ON upload (at_ms);
  ALTER TABLE history_file ADD COLUMN blob BLOB;
`;

/** A file that goes to somebody: what is needed to bring the same bytes again. */
export interface UploadRow {
  readonly relay: string;
  /** Account hash, or group id. */
  readonly recipient: Uint8Array; // 32 bytes
  readonly fileSha256: Uint8Array; // 32 bytes
  readonly key: Uint8Array; // 32 bytes, secret; seals these bytes and no others
  readonly blobSha256: Uint8Array; // 32 bytes
  /** The message that it went with, 16 bytes; null before. */
  readonly message: Uint8Array | null;
  readonly atMs: number;
}

/** Files on their way. */
export interface FileTable {
  upload(relay: string, recipient: Uint8Array, fileSha256: Uint8Array): UploadRow | null;
  /** In place of the one of this file to this recipient. */
  putUpload(row: UploadRow): void;
  /** Forgets those from before. */
  purgeUploads(beforeMs: number): void;
}

/** The table over an open database. */
export function fileTable(db: Database.Database): FileTable {
  const get = db.prepare("SELECT * FROM upload WHERE relay = ? AND recipient = ? AND file_sha256 = ?");
  const put = db.prepare(
    "INSERT OR REPLACE INTO upload (relay, recipient, file_sha256, key, blob_sha256, message, at_ms) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const purge = db.prepare("DELETE FROM upload WHERE at_ms < ?");
  return {
    upload(relay, recipient, fileSha256) {
      const row = get.get(relay, recipient, fileSha256) as
        | { key: Uint8Array; blob_sha256: Uint8Array; message: Uint8Array | null; at_ms: number }
        | undefined;
      if (!row) return null;
      const [key, blobSha256] = [Uint8Array.from(row.key), Uint8Array.from(row.blob_sha256)];
      const message = row.message && Uint8Array.from(row.message);
      return { relay, recipient, fileSha256, key, blobSha256, message, atMs: row.at_ms };
    },
    putUpload: (row) =>
      void put.run(row.relay, row.recipient, row.fileSha256, row.key, row.blobSha256, row.message, row.atMs),
    purgeUploads: (beforeMs) => void purge.run(beforeMs),
  };
}
