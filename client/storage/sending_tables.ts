/**
 * The store's tables for sending: outbox and counters, the directory of other people's keys, and small values.
 * @module
 */
import type Database from "better-sqlite3";
import type {
  CounterTable,
  DirectoryTable,
  KnownBundle,
  MetaTable,
  OutboxEnvelope,
  OutboxRow,
  OutboxTable,
} from "./store.ts";

/** The tables over one open database. */
export function sendingTables(db: Database.Database): {
  outbox: OutboxTable;
  counters: CounterTable;
  directory: DirectoryTable;
  meta: MetaTable;
} {
  return { outbox: outbox(db), counters: counters(db), directory: directory(db), meta: meta(db) };
}

function outbox(db: Database.Database): OutboxTable {
  const add = db.prepare(
    "INSERT INTO outbox (id, relay, recipient, state, created_at_ms, ttl_s, plaintext, content, content_hash, " +
      "conversation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const get = db.prepare("SELECT * FROM outbox WHERE id = ?");
  const envelopes = db.prepare("SELECT * FROM outbox_envelope WHERE id = ? ORDER BY rowid");
  const states = db.prepare(
    "SELECT device, lineage, counter, state, seq, expires_at_ms FROM outbox_envelope WHERE id = ? ORDER BY rowid",
  );
  const addEnvelope = db.prepare(
    "INSERT INTO outbox_envelope (id, device, envelope, lineage, counter, state, seq, expires_at_ms) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const dropContent = db.prepare("UPDATE outbox SET content = NULL WHERE id = ?");
  const keepForGroup = db.prepare(
    "UPDATE outbox SET group_id = ?, again = coalesce(content, again), content = NULL WHERE id = ?",
  );
  const refreeze = db.prepare("UPDATE outbox_envelope SET envelope = ? WHERE id = ? AND device = ?");
  const putMember = db.prepare(
    "INSERT OR REPLACE INTO outbox_envelope (id, device, envelope, lineage, counter, state, seq, expires_at_ms) " +
      "VALUES (?, ?, x'', x'', 0, ?, ?, ?)",
  );
  const setState = db.prepare(
    "UPDATE outbox SET state = ?, again = CASE ? WHEN 'sent' THEN NULL ELSE again END WHERE id = ?",
  );
  const settle = db.prepare(
    "UPDATE outbox_envelope SET state = ?, seq = ?, expires_at_ms = ?, " +
      "envelope = CASE ? WHEN 'pending' THEN envelope ELSE x'' END WHERE id = ? AND device = ?",
  );
  const removeEnvelopes = db.prepare("DELETE FROM outbox_envelope WHERE id = ?");
  const remove = db.prepare("DELETE FROM outbox WHERE id = ?");
  const queued = db.prepare("SELECT id FROM outbox WHERE state = 'queued' AND relay = ? ORDER BY place");
  const olderThan = db.prepare("SELECT id FROM outbox WHERE state = ? AND created_at_ms < ? ORDER BY place");
  return {
    add(row) {
      const { id, relay, recipient, state, createdAtMs, ttlS, plaintext, content, contentHash, conversation } = row;
      const plain = Number(plaintext);
      add.run(id, relay, recipient, state, createdAtMs, ttlS, plain, content, contentHash, conversation);
    },
    get: (id) => rowOf(get.get(id) as Record<string, unknown> | undefined),
    envelopes: (id) => (envelopes.all(id) as Record<string, unknown>[]).map(envelopeOf),
    states: (id) => (states.all(id) as Record<string, unknown>[]).map(stateOf),
    freeze(id, frozen, group) {
      for (const { device, envelope, lineage, counter, state, seq, expiresAtMs } of frozen) {
        addEnvelope.run(id, device, envelope, lineage, counter, state, seq, expiresAtMs);
      }
      if (group) keepForGroup.run(group, id);
      else dropContent.run(id);
    },
    refreeze: (id, device, envelope) => void refreeze.run(envelope, id, device),
    addMembers(id, members) {
      for (const { device, state, seq, expiresAtMs } of members) putMember.run(id, device, state, seq, expiresAtMs);
    },
    setState: (id, state) => void setState.run(state, state, id),
    settle: (id, device, { state, seq, expiresAtMs }) => void settle.run(state, seq, expiresAtMs, state, id, device),
    remove(id) {
      removeEnvelopes.run(id);
      remove.run(id);
    },
    queued: (relay) => (queued.all(relay) as { id: Buffer }[]).map(({ id }) => bytes(id)),
    olderThan: (beforeMs, state) => (olderThan.all(state, beforeMs) as { id: Buffer }[]).map(({ id }) => bytes(id)),
  };
}

function rowOf(row: Record<string, unknown> | undefined): OutboxRow | null {
  if (!row) return null;
  return {
    id: bytes(row.id),
    relay: row.relay as string,
    recipient: bytes(row.recipient),
    conversation: row.conversation as OutboxRow["conversation"],
    group: row.group_id === null ? null : bytes(row.group_id),
    again: row.again === null ? null : bytes(row.again),
    state: row.state as OutboxRow["state"],
    createdAtMs: row.created_at_ms as number,
    ttlS: row.ttl_s as number,
    plaintext: row.plaintext === 1,
    content: row.content === null ? null : bytes(row.content),
    contentHash: bytes(row.content_hash),
  };
}

function envelopeOf(row: Record<string, unknown>): OutboxEnvelope {
  return { ...stateOf(row), envelope: bytes(row.envelope) };
}

function stateOf(row: Record<string, unknown>): Omit<OutboxEnvelope, "envelope"> {
  return {
    device: bytes(row.device),
    lineage: bytes(row.lineage),
    counter: row.counter as number,
    state: row.state as OutboxEnvelope["state"],
    seq: row.seq as number,
    expiresAtMs: row.expires_at_ms as number,
  };
}

function counters(db: Database.Database): CounterTable {
  const next = db.prepare(
    "INSERT INTO counter (lineage, device, last) VALUES (?, ?, 1) " +
      "ON CONFLICT (lineage, device) DO UPDATE SET last = last + 1 RETURNING last",
  );
  const addVoid = db.prepare("INSERT OR IGNORE INTO void_counter (lineage, device, counter) VALUES (?, ?, ?)");
  const list = db.prepare(
    "SELECT counter FROM void_counter WHERE lineage = ? AND device = ? ORDER BY counter LIMIT ?",
  );
  const note = db.prepare(
    "UPDATE void_counter SET listed_by = ? WHERE lineage = ? AND device = ? AND counter <= ?",
  );
  const forget = db.prepare("DELETE FROM void_counter WHERE lineage = ? AND device = ? AND listed_by = ?");
  return {
    next: (lineage, device) => (next.get(lineage, device) as { last: number }).last,
    addVoid: (lineage, device, counter) => void addVoid.run(lineage, device, counter),
    listVoids(lineage, device, by, limit) {
      const listed = (list.all(lineage, device, limit) as { counter: number }[]).map(({ counter }) => counter);
      if (listed.length > 0) note.run(by, lineage, device, listed[listed.length - 1]);
      return listed;
    },
    forgetVoids: (lineage, device, by) => void forget.run(lineage, device, by),
  };
}

function directory(db: Database.Database): DirectoryTable {
  const latest = db.prepare("SELECT * FROM bundle WHERE account = ? ORDER BY version DESC LIMIT 1");
  const version = db.prepare("SELECT * FROM bundle WHERE account = ? AND version = ?");
  const since = db.prepare("SELECT * FROM bundle WHERE account = ? AND version >= ? ORDER BY version");
  const put = db.prepare("INSERT OR IGNORE INTO bundle (account, version, hash, bytes) VALUES (?, ?, ?, ?)");
  const key = db.prepare("SELECT created_at_ms, key_id FROM peer_sealing_key WHERE device = ?");
  const putKey = db.prepare(
    "INSERT INTO peer_sealing_key (device, created_at_ms, key_id) VALUES (?, ?, ?) ON CONFLICT (device) DO UPDATE " +
      "SET created_at_ms = excluded.created_at_ms, key_id = excluded.key_id",
  );
  return {
    latest: (account) => bundleOf(latest.get(account)),
    version: (account, wanted) => bundleOf(version.get(account, wanted)),
    since: (account, from) => since.all(account, from).map((row) => bundleOf(row)!),
    putBundle: (bundle) => void put.run(bundle.account, bundle.version, bundle.hash, bundle.bytes),
    sealingKey(device) {
      const row = key.get(device) as { created_at_ms: number; key_id: Buffer } | undefined;
      return row ? { createdAtMs: row.created_at_ms, keyId: bytes(row.key_id) } : null;
    },
    putSealingKey: (device, { createdAtMs, keyId }) => void putKey.run(device, createdAtMs, keyId),
  };
}

function bundleOf(found: unknown): KnownBundle | null {
  const row = found as Record<string, unknown> | undefined;
  if (!row) return null;
  return {
    account: bytes(row.account),
    version: row.version as number,
    hash: bytes(row.hash),
    bytes: bytes(row.bytes),
  };
}

function meta(db: Database.Database): MetaTable {
  const get = db.prepare("SELECT value FROM meta WHERE name = ?");
  const put = db.prepare(
    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );
  const all = db.prepare("SELECT value FROM meta WHERE substr(name, 1, length(?)) = ? ORDER BY name").pluck();
  const removeAll = db.prepare("DELETE FROM meta WHERE substr(name, 1, length(?)) = ?");
  return {
    get(name) {
      const row = get.get(name) as { value: Buffer } | undefined;
      return row ? bytes(row.value) : null;
    },
    put: (name, value) => void put.run(name, value),
    all: (prefix) => all.all(prefix, prefix).map(bytes),
    removeAll: (prefix) => void removeAll.run(prefix, prefix),
  };
}

/** A plain Uint8Array instead of Node's Buffer, whose slice and toString differ. */
function bytes(value: unknown): Uint8Array {
  const buffer = value as Buffer;
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
