/**
 * Schema 2: dedup memory says when its message was accepted.
 * @module
 */

/**
 * Schema 2. A receipt says when the relay accepted a message, also after the message itself is gone
 * (docs/decisions/0006-receipts.md). Rows from before have 0, "not known": adding a column with a constant touches none
 * of them, so a relay with a million messages starts as fast as ever.
 */
export const received = {
  version: 2,
  sql: "ALTER TABLE dedup ADD COLUMN received INTEGER NOT NULL DEFAULT 0",
} as const;
