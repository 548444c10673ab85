/**
 * The store's tables of conversations.
 * @module
 */
import type Database from "better-sqlite3";
import type {
  ConversationRow,
  HistoryFile,
  HistoryKind,
  HistoryRow,
  HistoryState,
  HistoryTable,
} from "./history_rows.ts";

/** SQL of the tables; a step of schema.ts. */
export const historySchema = `
  CREATE TABLE conversation (
    name TEXT PRIMARY KEY,
    messages INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    last_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE history (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL REFERENCES conversation (name),
    author BLOB NOT NULL,
    device BLOB NOT NULL,
    id BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    verified INTEGER NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (device, id)
  ) STRICT;
  CREATE INDEX history_order ON history (conversation, place);
  CREATE INDEX history_open ON history (state, conversation, place) WHERE state IN ('unread', 'waiting');
  CREATE TABLE history_file (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    place INTEGER NOT NULL REFERENCES history (place) ON DELETE CASCADE,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    saved_as TEXT,
    data BLOB
  ) STRICT;
  CREATE INDEX history_file_place ON history_file (place);
  CREATE INDEX history_file_kept ON history_file (kept, size) WHERE kept = 1;
  CREATE TRIGGER history_added AFTER INSERT ON history BEGIN
    UPDATE conversation SET messages = messages + 1, bytes = bytes + octet_length(new.text)
      WHERE name = new.conversation;
  END;
  CREATE TRIGGER history_removed AFTER DELETE ON history BEGIN
    UPDATE conversation SET messages = messages - 1, bytes = bytes - octet_length(old.text)
      WHERE name = old.conversation;
  END;
  `;

/** Columns of a line, as `lineOf` reads them. */
export const historyColumns =
  "place, conversation, author, device, id, at_ms, state, verified, text, kind, reply_to, edited, deleted, disappear_s, gone_at_ms";

/** The tables over an open database. */
export function historyTable(db: Database.Database): HistoryTable {
  const columns = historyColumns;
  const fileColumns = "number, place, name, size, kept, saved_as, blob";
  const known = db.prepare("SELECT 1 FROM history WHERE device = ? AND id = ?").pluck();
  const meet = db.prepare(
    "INSERT INTO conversation (name, last_at_ms) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET " +
      "last_at_ms = max(last_at_ms, excluded.last_at_ms)",
  );
  const add = db.prepare(
    "INSERT INTO history (place, conversation, author, device, id, at_ms, state, verified, text, kind, reply_to, " +
      "disappear_s, gone_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const addFile = db.prepare(
    "INSERT INTO history_file (place, name, size, kept, data, blob) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const setState = db.prepare("UPDATE history SET state = ? WHERE device = ? AND id = ?");
  const last = db.prepare(`SELECT ${columns} FROM history WHERE conversation = ? ORDER BY place DESC LIMIT ?`);
  const inState = db.prepare(`SELECT ${columns} FROM history WHERE state = ? ORDER BY place`);
  const inStateOf = db.prepare(`SELECT ${columns} FROM history WHERE state = ? AND conversation = ? ORDER BY place`);
  const written = db.prepare(`SELECT ${columns} FROM history WHERE device = ? AND id = ?`);
  const markRead = db.prepare(
    "UPDATE history SET state = 'read', gone_at_ms = iif(disappear_s > 0, ? + disappear_s * 1000, NULL) " +
      "WHERE state = 'unread' AND conversation = ? AND place <= ?",
  );
  const conversations = db.prepare(
    "SELECT name, messages, last_at_ms, (SELECT count(*) FROM history WHERE state = 'unread' AND conversation = name) " +
      "AS unread FROM conversation ORDER BY last_at_ms DESC, name",
  );
  const filesOf = db.prepare(`SELECT ${fileColumns} FROM history_file WHERE place = ? ORDER BY number`);
  const kept = db.prepare(`SELECT ${fileColumns} FROM history_file WHERE kept = 1 OR blob IS NOT NULL ORDER BY number`);
  const keptOf = db.prepare(
    `SELECT ${fileColumns} FROM history_file WHERE (kept = 1 OR blob IS NOT NULL) AND place IN ` +
      "(SELECT place FROM history WHERE conversation = ?) ORDER BY number",
  );
  const file = db.prepare(`SELECT ${fileColumns} FROM history_file WHERE number = ?`);
  const bytesOf = db.prepare("SELECT data FROM history_file WHERE number = ?").pluck();
  const setSaved = db.prepare(
    "UPDATE history_file SET saved_as = ?, kept = 0, data = NULL, blob = NULL WHERE number = ?",
  );
  const drop = db.prepare("UPDATE history_file SET kept = 0, data = NULL, blob = NULL WHERE number = ?");
  const keptBytes = db.prepare("SELECT coalesce(sum(size), 0) FROM history_file WHERE kept = 1").pluck();
  const size = db.prepare("SELECT messages, bytes FROM conversation WHERE name = ?");
  const oldest = db.prepare(
    "DELETE FROM history WHERE place = (SELECT min(place) FROM history AS h WHERE conversation = ? AND state <> 'waiting' " +
      "AND NOT EXISTS (SELECT 1 FROM history_file AS f WHERE f.place = h.place AND f.kept = 1))",
  );
  return {
    add(line, files, nowMs, place) {
      if (known.get(line.device, line.id)) return false;
      meet.run(line.conversation, place === undefined ? nowMs : line.atMs);
      const { conversation, author, device, id, atMs, state, verified, text } = line;
      const { kind = "message", replyTo = null, disappearS = 0 } = line;
      const goneAtMs = disappearS > 0 && state !== "unread" ? nowMs + disappearS * 1000 : null;
      const fixed = [conversation, author, device, id, atMs, state, Number(verified), text];
      const { lastInsertRowid } = add.run(place ?? null, ...fixed, kind, replyTo, disappearS, goneAtMs);
      for (const { name, size, data, blob = null } of files) {
        addFile.run(lastInsertRowid, name, size, Number(data !== null), data, blob);
      }
      return true;
    },
    setState: (device, id, state) => void setState.run(state, device, id),
    last: (conversation, limit) => (last.all(conversation, limit) as LineRow[]).map(lineOf).reverse(),
    inState: (state, conversation) =>
      ((conversation === undefined ? inState.all(state) : inStateOf.all(state, conversation)) as LineRow[]).map(lineOf),
    written: (device, id) => {
      const row = written.get(device, id) as LineRow | undefined;
      return row ? lineOf(row) : null;
    },
    markRead: (conversation, place, nowMs) => void markRead.run(nowMs, conversation, place),
    conversations: () =>
      (conversations.all() as { name: string; messages: number; unread: number; last_at_ms: number }[]).map(
        ({ name, messages, unread, last_at_ms }): ConversationRow => ({ name, messages, unread, lastAtMs: last_at_ms }),
      ),
    filesOf: (place) => (filesOf.all(place) as FileRow[]).map(fileOf),
    keptFiles: (conversation) =>
      ((conversation === undefined ? kept.all() : keptOf.all(conversation)) as FileRow[]).map(fileOf),
    file: (number) => {
      const row = file.get(number) as FileRow | undefined;
      return row ? fileOf(row) : null;
    },
    bytesOf: (number) => {
      const data = bytesOf.get(number) as Uint8Array | null | undefined;
      return data ? Uint8Array.from(data) : null;
    },
    setSaved: (number, path) => void setSaved.run(path, number),
    dropFile: (number) => void drop.run(number),
    keptBytes: () => keptBytes.get() as number,
    trim(conversation, limits) {
      for (;;) {
        const now = size.get(conversation) as { messages: number; bytes: number } | undefined;
        if (!now || (now.messages <= limits.messages && now.bytes <= limits.bytes)) return;
        if (oldest.run(conversation).changes === 0) return;
      }
    },
  };
}

/** A line as SQLite gives it. */
export interface LineRow {
  readonly place: number;
  readonly conversation: string;
  readonly author: Uint8Array;
  readonly device: Uint8Array;
  readonly id: Uint8Array;
  readonly at_ms: number;
  readonly state: HistoryState;
  readonly verified: number;
  readonly text: string;
  readonly kind: HistoryKind;
  readonly reply_to: Uint8Array | null;
  readonly edited: number;
  readonly deleted: number;
  readonly disappear_s: number;
  readonly gone_at_ms: number | null;
}

interface FileRow {
  readonly number: number;
  readonly place: number;
  readonly name: string;
  readonly size: number;
  readonly kept: number;
  readonly saved_as: string | null;
  readonly blob: Uint8Array | null;
}

/** A row of the table as the client knows it. */
export function lineOf(row: LineRow): HistoryRow {
  const { place, conversation, at_ms, state, verified, text, kind, reply_to, edited, deleted } = row;
  return {
    place,
    conversation,
    author: Uint8Array.from(row.author),
    device: Uint8Array.from(row.device),
    id: Uint8Array.from(row.id),
    atMs: at_ms,
    state,
    verified: verified === 1,
    text,
    kind,
    replyTo: reply_to && Uint8Array.from(reply_to),
    edited: edited === 1,
    deleted: deleted === 1,
    disappearS: row.disappear_s,
    goneAtMs: row.gone_at_ms,
  };
}

function fileOf({ number, place, name, size, kept, saved_as, blob }: FileRow): HistoryFile {
  return { number, place, name, size, kept: kept === 1, savedAs: saved_as, blob: blob && Uint8Array.from(blob) };
}
