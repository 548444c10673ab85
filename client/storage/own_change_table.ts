/**
 * What the devices of one account keep in step: contacts with the time of their last change, and how far was read.
 * @module
 */
import type Database from "better-sqlite3";

/** A contact as the devices of an account tell it each other; the one that changed last counts. */
export interface OwnContact {
  readonly account: Uint8Array; // account hash, 32 bytes
  /** Empty for a removed one. */
  readonly name: string;
  readonly verified: boolean;
  readonly blocked: boolean;
  readonly addedAtMs: number;
  readonly changedAtMs: number;
  readonly removed: boolean;
}

/** How far a conversation was read, on any device. */
export interface OwnRead {
  /** The other side's account hash, or the group: 32 bytes. */
  readonly conversation: Uint8Array;
  /** Sending time of the newest line that was seen. */
  readonly readUntilMs: number;
}

/** What changed here is `dirty` until the other devices were told. */
export interface OwnChangeTable {
  /** Whether the other devices have to be told of anything. */
  isDirty(): boolean;
  /** Dirty ones, at most `limit` of each. */
  dirty(limit: number): { contacts: OwnContact[]; reads: OwnRead[] };
  /** The others know these; what changed since stays dirty. */
  told(contacts: readonly OwnContact[], reads: readonly OwnRead[]): void;
  /** All that is kept is to be told: somebody new knows nothing of it. */
  dirtyAll(): void;
  contact(account: Uint8Array): OwnContact | null;
  /** Takes what another device said for the truth: not dirty. */
  putContact(contact: OwnContact): void;
  /** Those that are no contacts here because their name was taken, by account. */
  unnamed(): OwnContact[];
  /** How far was read, and until when (by the relay's clock) that was told by another device. */
  read(conversation: Uint8Array): OwnRead & { notedAtMs: number } | null;
  /**
   * Another device has read so far, as the relay took in at `notedAtMs`: lines that are here become read at `nowMs`.
   * `names`: what the conversation may be called here. Answers how many lines.
   */
  putRead(read: OwnRead, names: readonly string[], times: { notedAtMs: number; nowMs: number }): number;
}

/** A change never counts as older than what it changes, whatever the clocks of other devices say. */
const UPSERT = `
    INSERT INTO own_contact VALUES (
      new.account, new.name, new.verified, new.blocked, new.added_at_ms, CAST(unixepoch('subsec') * 1000 AS INTEGER), 0, 1
    ) ON CONFLICT (account) DO UPDATE SET name = excluded.name, verified = excluded.verified, blocked = excluded.blocked,
      added_at_ms = excluded.added_at_ms, changed_at_ms = max(excluded.changed_at_ms, changed_at_ms + 1), removed = 0,
      dirty = 1;`;
const REMOVED = `
    UPDATE own_contact SET name = '', verified = 0, blocked = 0, added_at_ms = 0, removed = 1, dirty = 1,
      changed_at_ms = max(CAST(unixepoch('subsec') * 1000 AS INTEGER), changed_at_ms + 1) WHERE account = old.account;`;
const READ = `
    INSERT INTO own_read VALUES (unhex(substr(new.conversation, instr(new.conversation, ':') + 1)), new.at_ms, 0, 1)
      ON CONFLICT (conversation) DO UPDATE SET read_until_ms = excluded.read_until_ms, dirty = 1
      WHERE excluded.read_until_ms > read_until_ms;`;
const NAMED = "unhex(substr(new.conversation, instr(new.conversation, ':') + 1)) IS NOT NULL";

/**
 * SQL of a step of schema.ts. Triggers note what changes, so that nobody who writes contacts or marks lines can forget it.
 * Lines in front of all others (place below 1) were imported: nobody has read them here.
 */
export const ownChangeSchema = `
  CREATE TABLE own_contact (
    account BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    verified INTEGER NOT NULL,
    blocked INTEGER NOT NULL,
    added_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    dirty INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX own_contact_dirty ON own_contact (dirty) WHERE dirty = 1;
  INSERT INTO own_contact SELECT account, name, verified, blocked, added_at_ms, added_at_ms, 0, 0 FROM contact;
  CREATE TRIGGER own_contact_added AFTER INSERT ON contact BEGIN ${UPSERT}
  END;
  CREATE TRIGGER own_contact_changed AFTER UPDATE ON contact WHEN old.account = new.account AND
    (old.name <> new.name OR old.verified <> new.verified OR old.blocked <> new.blocked) BEGIN ${UPSERT}
  END;
  CREATE TRIGGER own_contact_replaced AFTER UPDATE ON contact WHEN old.account <> new.account BEGIN ${REMOVED} ${UPSERT}
  END;
  CREATE TRIGGER own_contact_removed AFTER DELETE ON contact BEGIN ${REMOVED}
  END;
  CREATE TABLE own_read (
    conversation BLOB PRIMARY KEY,
    read_until_ms INTEGER NOT NULL,
    noted_at_ms INTEGER NOT NULL,
    dirty INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX own_read_dirty ON own_read (dirty) WHERE dirty = 1;
  INSERT INTO own_read SELECT unhex(substr(new.conversation, instr(new.conversation, ':') + 1)) AS who, max(at_ms), 0, 0
    FROM history AS new WHERE state = 'read' AND ${NAMED} GROUP BY who;
  CREATE TRIGGER own_read_marked AFTER UPDATE OF state ON history
    WHEN old.state = 'unread' AND new.state = 'read' AND ${NAMED} BEGIN ${READ}
  END;
  CREATE TRIGGER own_read_arrived AFTER INSERT ON history
    WHEN new.state = 'read' AND new.place > 0 AND new.kind = 'message' AND ${NAMED} BEGIN ${READ}
  END;
  `;

interface ContactRow {
  readonly account: Uint8Array;
  readonly name: string;
  readonly verified: number;
  readonly blocked: number;
  readonly added_at_ms: number;
  readonly changed_at_ms: number;
  readonly removed: number;
}

interface ReadRow {
  readonly conversation: Uint8Array;
  readonly read_until_ms: number;
  readonly noted_at_ms: number;
}

/** The tables over an open database. */
export function ownChangeTable(db: Database.Database): OwnChangeTable {
  const isDirty = db.prepare(
    "SELECT EXISTS (SELECT 1 FROM own_contact WHERE dirty = 1) OR EXISTS (SELECT 1 FROM own_read WHERE dirty = 1)",
  ).pluck();
  // The indices have dirty rows alone.
  const contacts = db.prepare("SELECT * FROM own_contact WHERE dirty = 1 LIMIT ?");
  const reads = db.prepare("SELECT * FROM own_read WHERE dirty = 1 LIMIT ?");
  const toldContact = db.prepare("UPDATE own_contact SET dirty = 0 WHERE account = ? AND changed_at_ms = ?");
  const toldRead = db.prepare("UPDATE own_read SET dirty = 0 WHERE conversation = ? AND read_until_ms = ?");
  const contact = db.prepare("SELECT * FROM own_contact WHERE account = ?");
  const putContact = db.prepare("INSERT OR REPLACE INTO own_contact VALUES (?, ?, ?, ?, ?, ?, ?, 0)");
  const unnamed = db.prepare(
    "SELECT * FROM own_contact WHERE removed = 0 AND account NOT IN (SELECT account FROM contact) ORDER BY account",
  );
  const read = db.prepare("SELECT * FROM own_read WHERE conversation = ?");
  const putRead = db.prepare(
    "INSERT INTO own_read VALUES (?, ?, ?, 0) ON CONFLICT (conversation) DO UPDATE SET " +
      "dirty = iif(excluded.read_until_ms >= read_until_ms, 0, dirty), " +
      "read_until_ms = max(read_until_ms, excluded.read_until_ms), noted_at_ms = max(noted_at_ms, excluded.noted_at_ms)",
  );
  const markRead = db.prepare(
    "UPDATE history SET state = 'read', gone_at_ms = iif(disappear_s > 0, ? + disappear_s * 1000, NULL) " +
      "WHERE state = 'unread' AND conversation = ? AND at_ms <= ?",
  );
  return {
    isDirty: () => isDirty.get() === 1,
    dirty: (limit) => ({
      contacts: (contacts.all(limit) as ContactRow[]).map(contactOf),
      reads: (reads.all(limit) as ReadRow[]).map(readOf),
    }),
    told(contacts, reads) {
      for (const { account, changedAtMs } of contacts) toldContact.run(account, changedAtMs);
      for (const { conversation, readUntilMs } of reads) toldRead.run(conversation, readUntilMs);
    },
    dirtyAll: () => void db.exec("UPDATE own_contact SET dirty = 1; UPDATE own_read SET dirty = 1"),
    contact(account) {
      const row = contact.get(account) as ContactRow | undefined;
      return row ? contactOf(row) : null;
    },
    putContact: ({ account, name, verified, blocked, addedAtMs, changedAtMs, removed }) =>
      void putContact.run(account, name, Number(verified), Number(blocked), addedAtMs, changedAtMs, Number(removed)),
    unnamed: () => (unnamed.all() as ContactRow[]).map(contactOf),
    read(conversation) {
      const row = read.get(conversation) as ReadRow | undefined;
      return row ? { ...readOf(row), notedAtMs: row.noted_at_ms } : null;
    },
    putRead({ conversation, readUntilMs }, names, { notedAtMs, nowMs }) {
      putRead.run(conversation, readUntilMs, notedAtMs);
      return names.reduce((sum, name) => sum + markRead.run(nowMs, name, readUntilMs).changes, 0);
    },
  };
}

function contactOf(row: ContactRow): OwnContact {
  const { name, verified, blocked, added_at_ms, changed_at_ms, removed } = row;
  return {
    account: Uint8Array.from(row.account),
    name,
    verified: verified === 1,
    blocked: blocked === 1,
    addedAtMs: added_at_ms,
    changedAtMs: changed_at_ms,
    removed: removed === 1,
  };
}

function readOf({ conversation, read_until_ms }: ReadRow): OwnRead {
  return { conversation: Uint8Array.from(conversation), readUntilMs: read_until_ms };
}
