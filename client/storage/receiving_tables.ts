/**
 * The store's tables for receiving: what was shown, senders' numbers, own sealing secrets, and what could not be opened.
 * @module
 */
import type Database from "better-sqlite3";
import type {
  SealingSecret,
  SecretTable,
  SeenMark,
  SeenTable,
  StreamTable,
  UnreadableRow,
  UnreadableTable,
} from "./store.ts";

/** The tables over one open database. */
export function receivingTables(db: Database.Database): {
  seen: SeenTable;
  streams: StreamTable;
  secrets: SecretTable;
  unreadable: UnreadableTable;
} {
  return { seen: seen(db), streams: streams(db), secrets: secrets(db), unreadable: unreadable(db) };
}

function seen(db: Database.Database): SeenTable {
  const get = db.prepare("SELECT state, body_hash FROM seen WHERE sender = ? AND id = ?");
  const put = db.prepare(
    "INSERT INTO seen (sender, id, state, body_hash, forget_at_ms) VALUES (?, ?, ?, ?, ?) " +
      "ON CONFLICT (sender, id) DO UPDATE SET state = excluded.state",
  );
  const purge = db.prepare("DELETE FROM seen WHERE forget_at_ms < ?");
  return {
    get(sender, id) {
      const row = get.get(sender, id) as { state: SeenMark["state"]; body_hash: Buffer } | undefined;
      return row ? { state: row.state, bodyHash: bytes(row.body_hash) } : null;
    },
    put: (sender, id, { state, bodyHash }, forgetAtMs) => void put.run(sender, id, state, bodyHash, forgetAtMs),
    purge: (nowMs) => purge.run(nowMs).changes,
  };
}

function streams(db: Database.Database): StreamTable {
  const get = db.prepare("SELECT state FROM stream WHERE sender = ? AND lineage = ?");
  const put = db.prepare(
    "INSERT INTO stream (sender, lineage, state, open) VALUES (?, ?, ?, ?) " +
      "ON CONFLICT (sender, lineage) DO UPDATE SET state = excluded.state, open = excluded.open",
  );
  const knows = db.prepare("SELECT 1 FROM stream WHERE sender = ? LIMIT 1");
  const open = db.prepare("SELECT sender, lineage, state FROM stream WHERE open = 1");
  return {
    get: (sender, lineage) => (get.get(sender, lineage) as { state: string } | undefined)?.state ?? null,
    put: (sender, lineage, state) => void put.run(sender, lineage, state, state.includes(";") ? 1 : 0),
    knows: (sender) => knows.get(sender) !== undefined,
    open: () =>
      (open.all() as { sender: Buffer; lineage: Buffer; state: string }[])
        .map((row) => ({ sender: bytes(row.sender), lineage: bytes(row.lineage), state: row.state })),
  };
}

function secrets(db: Database.Database): SecretTable {
  const byKeyId = db.prepare("SELECT * FROM sealing_secret WHERE key_id = ?");
  const newest = db.prepare("SELECT * FROM sealing_secret ORDER BY created_at_ms DESC LIMIT 1");
  const put = db.prepare(
    "INSERT OR IGNORE INTO sealing_secret (key_id, seed, published, created_at_ms, expires_at_ms, erase_at_ms) " +
      "VALUES (?, ?, ?, ?, ?, ?)",
  );
  const erase = db.prepare("DELETE FROM sealing_secret WHERE erase_at_ms < ?");
  return {
    byKeyId: (keyId) => secretOf(byKeyId.get(keyId)),
    newest: () => secretOf(newest.get()),
    put: (s) => void put.run(s.keyId, s.seed, s.published, s.createdAtMs, s.expiresAtMs, s.eraseAtMs),
    erase: (nowMs) => erase.run(nowMs).changes,
  };
}

function secretOf(found: unknown): SealingSecret | null {
  const row = found as Record<string, unknown> | undefined;
  if (!row) return null;
  return {
    keyId: bytes(row.key_id),
    seed: bytes(row.seed),
    published: bytes(row.published),
    createdAtMs: row.created_at_ms as number,
    expiresAtMs: row.expires_at_ms as number,
    eraseAtMs: row.erase_at_ms as number,
  };
}

function unreadable(db: Database.Database): UnreadableTable {
  const add = db.prepare(
    "INSERT INTO unreadable (seq, received_at_ms, added_at_ms, reason, bytes) VALUES (?, ?, ?, ?, ?)",
  );
  const size = db.prepare("SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM unreadable");
  const dropOldest = db.prepare("DELETE FROM unreadable WHERE place = (SELECT min(place) FROM unreadable)");
  const all = db.prepare("SELECT * FROM unreadable ORDER BY place");
  const purge = db.prepare("DELETE FROM unreadable WHERE added_at_ms < ?");
  return {
    add(row, nowMs, maxBytes) {
      add.run(row.seq, row.receivedAtMs, nowMs, row.reason, row.bytes);
      while ((size.get() as { bytes: number }).bytes > maxBytes) dropOldest.run();
    },
    all: () =>
      (all.all() as Record<string, unknown>[]).map((row): UnreadableRow => ({
        seq: row.seq as number,
        receivedAtMs: row.received_at_ms as number,
        reason: row.reason as string,
        bytes: bytes(row.bytes),
      })),
    purge: (beforeMs) => purge.run(beforeMs).changes,
  };
}

/** A plain Uint8Array instead of Node's Buffer, whose slice and toString differ. */
function bytes(value: unknown): Uint8Array {
  const buffer = value as Buffer;
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
