/**
 * The store's table of what was read lately and can be proven to others: for a report to whoever runs the relay.
 * @module
 */
import type Database from "better-sqlite3";

/** SQL of the table; a step of schema.ts. */
export const reportableSchema = `
  CREATE TABLE reportable (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    account BLOB NOT NULL,
    target BLOB,
    franking_key BLOB NOT NULL,
    content BLOB NOT NULL,
    envelope BLOB NOT NULL,
    forget_at_ms INTEGER NOT NULL,
    UNIQUE (id, account)
  ) STRICT;
  CREATE INDEX reportable_target ON reportable (target) WHERE target IS NOT NULL;
  CREATE INDEX reportable_forget ON reportable (forget_at_ms);
  CREATE TABLE reportable_size (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER NOT NULL) STRICT;
  INSERT INTO reportable_size VALUES (1, 0);
  CREATE TRIGGER reportable_added AFTER INSERT ON reportable BEGIN
    UPDATE reportable_size SET bytes = bytes + length(new.envelope) + length(new.content);
  END;
  CREATE TRIGGER reportable_removed AFTER DELETE ON reportable BEGIN
    UPDATE reportable_size SET bytes = bytes - length(old.envelope) - length(old.content);
  END;
`;

/** A message that can be proven: its envelope commits to the content under the key. */
export interface ReportableRow {
  readonly id: Uint8Array; // 16 bytes
  /** Sender's account hash, 32 bytes. */
  readonly account: Uint8Array;
  /** Id of the line whose words it changed, 16 bytes; null for a line of its own. */
  readonly target: Uint8Array | null;
  readonly frankingKey: Uint8Array; // 32 bytes; empty with plain content
  /** Serialized Content, as it was sent. */
  readonly content: Uint8Array;
  /** Serialized SignedEnvelope, as it was received. */
  readonly envelope: Uint8Array;
  readonly forgetAtMs: number;
}

/** Messages by id, for a while. */
export interface ReportableTable {
  /** Keeps one, once; the oldest go when envelopes and contents together exceed `maxBytes`. */
  put(row: ReportableRow, maxBytes: number): void;
  /** What accounts said under this id, and the changes of it, in the order they were read. */
  about(id: Uint8Array): ReportableRow[];
  /** Forgets what is due; returns how many. */
  purge(nowMs: number): number;
}

/** The table over an open database. */
export function reportableTable(db: Database.Database): ReportableTable {
  const put = db.prepare(
    "INSERT OR IGNORE INTO reportable (id, account, target, franking_key, content, envelope, forget_at_ms) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const size = db.prepare("SELECT bytes FROM reportable_size").pluck();
  const dropOldest = db.prepare("DELETE FROM reportable WHERE place = (SELECT min(place) FROM reportable)");
  const about = db.prepare("SELECT * FROM reportable WHERE id = ? OR target = ? ORDER BY place");
  const purge = db.prepare("DELETE FROM reportable WHERE forget_at_ms < ?");
  return {
    put({ id, account, target, frankingKey, content, envelope, forgetAtMs }, maxBytes) {
      put.run(id, account, target, frankingKey, content, envelope, forgetAtMs);
      while (size.get() as number > maxBytes) dropOldest.run();
    },
    about: (id) => (about.all(id, id) as Record<string, unknown>[]).map(rowOf),
    purge: (nowMs) => purge.run(nowMs).changes,
  };
}

function rowOf(row: Record<string, unknown>): ReportableRow {
  const bytes = (name: string) => Uint8Array.from(row[name] as Uint8Array);
  return {
    id: bytes("id"),
    account: bytes("account"),
    target: row.target === null ? null : bytes("target"),
    frankingKey: bytes("franking_key"),
    content: bytes("content"),
    envelope: bytes("envelope"),
    forgetAtMs: row.forget_at_ms as number,
  };
}
