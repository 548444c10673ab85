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
    "INSERT INTO seen (sender, id, state, body_hash, forget_at_ms, sent_at_ms) VALUES (?, ?, ?, ?, ?, ?) " +
      "ON CONFLICT (sender, id) DO UPDATE SET state = excluded.state",
  );
  const due = db.prepare("SELECT coalesce(max(sent_at_ms), 0) FROM seen WHERE forget_at_ms < ?").pluck();
  const forget = db.prepare("UPDATE seen_forgotten SET sent_until_ms = max(sent_until_ms, ?)");
  const purge = db.prepare("DELETE FROM seen WHERE forget_at_ms < ?");
  const forgotten = db.prepare("SELECT sent_until_ms FROM seen_forgotten").pluck();
  return {
    get(sender, id) {
      const row = get.get(sender, id) as { state: SeenMark["state"]; body_hash: Buffer } | undefined;
      return row ? { state: row.state, bodyHash: bytes(row.body_hash) } : null;
    },
    put: (sender, id, { state, bodyHash }, { sentAtMs, forgetAtMs }) =>
      void put.run(sender, id, state, bodyHash, forgetAtMs, sentAtMs),
    purge(nowMs) {
      forget.run(due.get(nowMs));
      return purge.run(nowMs).changes;
    },
    forgottenUntil: () => forgotten.get() as number,
  };
}

function streams(db: Database.Database): StreamTable {
  const get = db.prepare("SELECT state FROM stream WHERE sender = ? AND lineage = ?");
  const put = db.prepare(
    "INSERT INTO stream (sender, lineage, state, open) VALUES (?, ?, ?, ?) " +
      "ON CONFLICT (sender, lineage) DO UPDATE SET state = excluded.state, open = excluded.open",
  );
  const begin = db.prepare(
    "INSERT OR IGNORE INTO stream (sender, lineage, account, state, open) VALUES (?, ?, ?, ?, 0)",
  );
  // What a device says in a group has numbers of its own: there the group's id stands behind the 8 bytes of the lineage.
  const knows = db.prepare("SELECT 1 FROM stream WHERE sender = ? AND substr(lineage, 9) = ? LIMIT 1");
  const open = db.prepare("SELECT sender, lineage, account, state FROM stream WHERE open = 1");
  return {
    get: (sender, lineage) => (get.get(sender, lineage) as { state: string } | undefined)?.state ?? null,
    put: (sender, lineage, state) => void put.run(sender, lineage, state, state.includes(";") ? 1 : 0),
    begin: (sender, lineage, account, state) => void begin.run(sender, lineage, account, state),
    knows: (sender, group) => knows.get(sender, group ?? new Uint8Array(0)) !== undefined,
    open: () =>
      (open.all() as { sender: Buffer; lineage: Buffer; account: Buffer | null; state: string }[]).map((row) => ({
        sender: bytes(row.sender),
        lineage: bytes(row.lineage),
        account: row.account && bytes(row.account),
        state: row.state,
      })),
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
  // Kept by triggers: adding the rows up for each new one took a reader 0.2 s a message when there were 16 MiB.
  const size = db.prepare("SELECT bytes FROM unreadable_size");
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
