/**
 * Blobs on the connection that reads.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import { QightError } from "../../proto/errors.ts";
import type { BlobPiece } from "./blob_store.ts";
import { GONE, WHOLE } from "./sqlite_blobs.ts";
import type { Connection } from "./sqlite_connection.ts";

interface Chunk {
  offset: number;
  crc: number;
  bytes: Uint8Array;
}

/** Statements that read blobs. */
export class BlobReader {
  readonly #find: Statement;
  readonly #chunk: Statement;
  readonly #snapshot: (read: () => BlobPiece | null) => BlobPiece | null;

  constructor(db: Connection) {
    this.#find = db.prepare(`SELECT id, size, received, state FROM blobs WHERE sha256 = ? AND state < ${GONE}`);
    // The last chunk that begins at the offset or before it.
    this.#chunk = db.prepare(
      `SELECT slot & 268435455 AS offset, crc, bytes FROM blob_chunks
       WHERE slot BETWEEN ? << 28 AND (? << 28) | ? ORDER BY slot DESC LIMIT 1`,
    );
    this.#snapshot = db.transaction((read: () => BlobPiece | null) => read());
  }

  /** See BlobStore; throws `store_damaged` when a chunk does not match its checksum. */
  read(sha256: Uint8Array, offset: number): BlobPiece | null {
    return this.#snapshot(() => {
      const blob = this.#find.get(sha256) as
        | { id: number; size: number; received: number; state: number }
        | undefined;
      if (blob === undefined) return null;
      const { id, size, received } = blob;
      const progress = { id, size, received, whole: blob.state === WHOLE };
      if (offset >= received) return { ...progress, data: new Uint8Array(0) };
      const chunk = this.#chunk.get(id, id, offset) as Chunk | undefined;
      if (chunk === undefined || crc32(chunk.bytes) !== chunk.crc || chunk.offset + chunk.bytes.length <= offset) {
        throw new QightError("store_damaged", `A stored piece of file ${id} is missing or does not match its checksum`);
      }
      return { ...progress, data: Uint8Array.from(chunk.bytes.subarray(offset - chunk.offset)) };
    });
  }
}
