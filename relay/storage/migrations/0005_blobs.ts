/**
 * Schema 5: files as ciphertext, in chunks.
 * @module
 */

/**
 * Schema 5. Why it looks like this:
 *
 * - `state`: 0 it comes, 1 it is whole, 2 it is gone and its chunks are being removed. The unique index leaves those out,
 *   so the same bytes can come again meanwhile. `received` counts the bytes of its chunks that are there, whatever its state.
 * - A chunk is numbered `blob << 28 | offset`, and carries the hash of its blob: salvage finds chunks without their blob's
 *   row, and no other row has this shape. Chunks are removed from the last to the first.
 * - A claim repeats the size, for the quota of an account to be a sum over one stretch of an index.
 */
export const blobs = {
  version: 5,
  sql: `
CREATE TABLE blobs (
  id INTEGER PRIMARY KEY,
  sha256 BLOB NOT NULL,
  size INTEGER NOT NULL,
  received INTEGER NOT NULL,
  state INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX blobs_sha256 ON blobs (sha256) WHERE state < 2;
CREATE INDEX blobs_expires ON blobs (state, expires);

CREATE TABLE blob_claims (
  account BLOB NOT NULL,
  sha256 BLOB NOT NULL,
  size INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (account, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_claims_sha256 ON blob_claims (sha256);
CREATE INDEX blob_claims_until ON blob_claims (until);

CREATE TABLE blob_chunks (
  slot INTEGER PRIMARY KEY,
  crc INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
`,
} as const;
