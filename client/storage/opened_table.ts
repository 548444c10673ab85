/**
 * The store's table of opened messages: what MLS lets be opened once stays here until it was shown.
 * @module
 */
import type Database from "better-sqlite3";

/** A message of a conversation that was opened and not shown yet. */
export interface OpenedRow {
  /** Sender's device key, 32 bytes. */
  readonly sender: Uint8Array;
  readonly id: Uint8Array; // 16 bytes
  readonly group: Uint8Array; // 32 bytes
  /** Sender's account hash, 32 bytes. */
  readonly account: Uint8Array;
  /** SHA-256 of the envelope's body: another message under the same id is not this one. */
  readonly bodyHash: Uint8Array;
  /** Serialized ConversationMessage. */
  readonly message: Uint8Array;
}

/** Opened messages by sender device and id. */
export interface OpenedTable {
  put(row: OpenedRow, openedAtMs: number): void;
  get(sender: Uint8Array, id: Uint8Array): OpenedRow | null;
  /** The message was shown: its content is erased. */
  remove(sender: Uint8Array, id: Uint8Array): void;
  /** Erases what the relay cannot hand out again any more; returns how many. */
  purge(openedBeforeMs: number): number;
}

/** SQL of the table, and what the outbox keeps of messages to conversations; a step of schema.ts. */
export const openedSchema = `
  CREATE TABLE opened (
    sender BLOB NOT NULL,
    id BLOB NOT NULL,
    group_id BLOB NOT NULL,
    account BLOB NOT NULL,
    body_hash BLOB NOT NULL,
    message BLOB NOT NULL,
    opened_at_ms INTEGER NOT NULL,
    PRIMARY KEY (sender, id)
  ) STRICT;
  CREATE INDEX opened_order ON opened (opened_at_ms);
  ALTER TABLE outbox ADD COLUMN conversation TEXT CHECK (conversation IN ('direct', 'group'));
  ALTER TABLE outbox ADD COLUMN group_id BLOB;
  ALTER TABLE outbox ADD COLUMN again BLOB;
  `;

/** The table over an open database. */
export function openedTable(db: Database.Database): OpenedTable {
  const put = db.prepare(
    "INSERT OR IGNORE INTO opened (sender, id, group_id, account, body_hash, message, opened_at_ms) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const get = db.prepare("SELECT group_id, account, body_hash, message FROM opened WHERE sender = ? AND id = ?");
  const remove = db.prepare("DELETE FROM opened WHERE sender = ? AND id = ?");
  const purge = db.prepare("DELETE FROM opened WHERE opened_at_ms < ?");
  return {
    put: ({ sender, id, group, account, bodyHash, message }, openedAtMs) =>
      void put.run(sender, id, group, account, bodyHash, message, openedAtMs),
    get(sender, id) {
      const row = get.get(sender, id) as
        | { group_id: Uint8Array; account: Uint8Array; body_hash: Uint8Array; message: Uint8Array }
        | undefined;
      if (!row) return null;
      return {
        sender,
        id,
        group: Uint8Array.from(row.group_id),
        account: Uint8Array.from(row.account),
        bodyHash: Uint8Array.from(row.body_hash),
        message: Uint8Array.from(row.message),
      };
    },
    remove: (sender, id) => void remove.run(sender, id),
    purge: (openedBeforeMs) => purge.run(openedBeforeMs).changes,
  };
}
