/**
 * What a person set for a conversation, with the time of its last change: the devices of one account keep it in step.
 * @module
 */
import type Database from "better-sqlite3";

/** One setting of one conversation; the one that changed last counts. */
export interface ConversationSetting {
  /** The other side's account hash, or the group: 32 bytes. */
  readonly conversation: Uint8Array;
  readonly name: string;
  /** Empty: as if it had never been set. */
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly changedAtMs: number;
}

/** Settings by conversation and name; what changed here is `dirty` until the other devices were told. */
export interface ConversationSettingTable {
  /** Of all conversations, those of that name which are set. */
  all(name: string): ConversationSetting[];
  /** It was changed here, at `changedAtMs` or, where the clock of another device was ahead, just after its change. */
  put(setting: ConversationSetting): void;
  /** Another device said so: it counts if it is newer, of two at the same time the one with the larger value. */
  heard(setting: ConversationSetting): void;
  isDirty(): boolean;
  /** Dirty ones, at most `limit`. */
  dirty(limit: number): ConversationSetting[];
  /** The others know these; what changed since stays dirty. */
  told(settings: readonly ConversationSetting[]): void;
  /** All that is kept is to be told: somebody new knows nothing of it. */
  dirtyAll(): void;
}

/** Another device makes no more rows than this; people have fewer conversations. */
const MOST_HEARD = 10_000;

/** SQL of a step of schema.ts. */
export const conversationSettingSchema = `
  CREATE TABLE conversation_setting (
    conversation BLOB NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    dirty INTEGER NOT NULL,
    PRIMARY KEY (conversation, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX conversation_setting_dirty ON conversation_setting (dirty) WHERE dirty = 1;
  `;

/** The table over an open database. */
export function conversationSettingTable(db: Database.Database): ConversationSettingTable {
  const columns = "SELECT conversation, name, value, changed_at_ms AS changedAtMs FROM conversation_setting";
  const all = db.prepare(`${columns} WHERE name = ? AND value <> ''`);
  const put = db.prepare(
    "INSERT INTO conversation_setting VALUES (?, ?, ?, ?, 1) ON CONFLICT (conversation, name) DO UPDATE SET " +
      "value = excluded.value, changed_at_ms = max(excluded.changed_at_ms, changed_at_ms + 1), dirty = 1",
  );
  const heard = db.prepare(
    "INSERT INTO conversation_setting SELECT @conversation, @name, @value, @changedAtMs, 0 WHERE " +
      `(SELECT count(*) FROM conversation_setting) < ${MOST_HEARD} OR EXISTS ` +
      "(SELECT 1 FROM conversation_setting WHERE conversation = @conversation AND name = @name) " +
      "ON CONFLICT (conversation, name) DO UPDATE SET " +
      "value = excluded.value, changed_at_ms = excluded.changed_at_ms, dirty = 0 " +
      "WHERE (excluded.changed_at_ms, excluded.value) > (changed_at_ms, value)",
  );
  // The index has dirty rows alone.
  const isDirty = db.prepare("SELECT EXISTS (SELECT 1 FROM conversation_setting WHERE dirty = 1)").pluck();
  const dirty = db.prepare(`${columns} WHERE dirty = 1 LIMIT ?`);
  const told = db.prepare(
    "UPDATE conversation_setting SET dirty = 0 WHERE conversation = ? AND name = ? AND changed_at_ms = ?",
  );
  return {
    all: (name) => (all.all(name) as ConversationSetting[]).map(settingOf),
    put: ({ conversation, name, value, changedAtMs }) => void put.run(conversation, name, value, changedAtMs),
    heard: ({ conversation, name, value, changedAtMs }) => void heard.run({ conversation, name, value, changedAtMs }),
    isDirty: () => isDirty.get() === 1,
    dirty: (limit) => (dirty.all(limit) as ConversationSetting[]).map(settingOf),
    told(settings) {
      for (const { conversation, name, changedAtMs } of settings) told.run(conversation, name, changedAtMs);
    },
    dirtyAll: () => void db.exec("UPDATE conversation_setting SET dirty = 1"),
  };
}

function settingOf(row: ConversationSetting): ConversationSetting {
  return { ...row, conversation: Uint8Array.from(row.conversation) };
}
