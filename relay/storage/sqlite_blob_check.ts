/**
 * Whether files fit together: chunks without a gap, as many bytes as were counted, checksums.
 * @module
 */
import { crc32 } from "node:zlib";
import type { Connection } from "./sqlite_connection.ts";

/** Chunks of each file, in order: where each begins, and where the one before ended. */
const gaps = `SELECT DISTINCT blob AS id FROM (
    SELECT slot >> 28 AS blob, slot & 268435455 AS start,
      lag((slot & 268435455) + length(bytes), 1, 0) OVER (PARTITION BY slot >> 28 ORDER BY slot) AS before
    FROM blob_chunks) WHERE start <> before LIMIT 20`;

const miscounted = `SELECT coalesce(b.id, c.blob) AS id FROM blobs b FULL JOIN
    (SELECT slot >> 28 AS blob, sum(length(bytes)) AS n FROM blob_chunks GROUP BY 1) c ON c.blob = b.id
  WHERE coalesce(b.received, -1) <> coalesce(c.n, 0) OR b.received > b.size OR (b.state = 1 AND b.received < b.size)
  LIMIT 20`;

/** Files with a hole, or with other bytes than are counted. */
export function checkBlobs(db: Connection): string[] {
  const ids = (sql: string) => (db.prepare(sql).all() as { id: number }[]).map(({ id }) => id);
  return [
    ...ids(gaps).map((id) => `file ${id} has a hole`),
    ...ids(miscounted).map((id) => `file ${id} does not count its bytes`),
  ];
}

/** Chunks that do not match their checksums, at most 20. */
export function blobChecksums(db: Connection): string[] {
  const found: string[] = [];
  const rows = db.prepare("SELECT slot >> 28 AS blob, crc, bytes FROM blob_chunks").iterate() as Iterable<
    { blob: number; crc: number; bytes: Uint8Array }
  >;
  for (const { blob, crc, bytes } of rows) {
    if (found.length === 20) break;
    if (crc32(bytes) !== crc) found.push(`a piece of file ${blob} does not match its checksum`);
  }
  return found;
}
