/**
 * What happens to lines of the history after they were written: reactions, marks, edits, and their end.
 * @module
 */
import type Database from "better-sqlite3";
import type { HistoryMark, HistoryMarksTable, HistoryReaction, HistoryRow } from "./history_rows.ts";
import { FIRST_PLACE } from "./history_move_table.ts";
import { historyColumns, lineOf, type LineRow } from "./history_table.ts";

/**
 * SQL of a step of schema.ts. What is taken out of the index must not stay in its pages (FTS5, "secure-delete"), and
 * pictographs are words too: people search for them.
 */
export const historyMarksSchema = `
  ALTER TABLE history ADD COLUMN kind TEXT NOT NULL DEFAULT 'message';
  ALTER TABLE history ADD COLUMN reply_to BLOB;
  ALTER TABLE history ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE history ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE history ADD COLUMN disappear_s INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE history ADD COLUMN gone_at_ms INTEGER;
  CREATE INDEX history_gone ON history (gone_at_ms) WHERE gone_at_ms IS NOT NULL;
  CREATE INDEX history_id ON history (id);
  CREATE TABLE history_reaction (
    place INTEGER NOT NULL REFERENCES history (place) ON DELETE CASCADE,
    author BLOB NOT NULL,
    emoji TEXT NOT NULL,
    PRIMARY KEY (place, author)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE history_mark (
    place INTEGER NOT NULL REFERENCES history (place) ON DELETE CASCADE,
    account BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('delivered', 'read')),
    PRIMARY KEY (place, account)
  ) STRICT, WITHOUT ROWID;
  CREATE VIRTUAL TABLE history_text USING fts5(
    text, content='history', content_rowid='place',
    tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co So'"
  );
  INSERT INTO history_text (history_text, rank) VALUES ('secure-delete', 1);
  INSERT INTO history_text (history_text) VALUES ('rebuild');
  CREATE TRIGGER history_text_added AFTER INSERT ON history BEGIN
    INSERT INTO history_text (rowid, text) VALUES (new.place, new.text);
  END;
  CREATE TRIGGER history_text_removed AFTER DELETE ON history BEGIN
    INSERT INTO history_text (history_text, rowid, text) VALUES ('delete', old.place, old.text);
  END;
  CREATE TRIGGER history_text_changed AFTER UPDATE OF text ON history BEGIN
    INSERT INTO history_text (history_text, rowid, text) VALUES ('delete', old.place, old.text);
    INSERT INTO history_text (rowid, text) VALUES (new.place, new.text);
    UPDATE conversation SET bytes = bytes + octet_length(new.text) - octet_length(old.text)
      WHERE name = new.conversation;
  END;
  `;

/** The tables over an open database. */
export function historyMarksTable(db: Database.Database): HistoryMarksTable {
  const find = db.prepare(
    `SELECT ${historyColumns} FROM history WHERE conversation = ? AND id = ? AND kind = 'message' ORDER BY place LIMIT 1`,
  );
  const findBy = db.prepare(
    `SELECT ${historyColumns} FROM history WHERE conversation = ? AND id = ? AND author = ? AND kind = 'message' LIMIT 1`,
  );
  const edit = db.prepare("UPDATE history SET text = ?, edited = 1 WHERE place = ? AND deleted = 0");
  const erase = db.prepare("UPDATE history SET text = '', deleted = 1, edited = 0 WHERE place = ?");
  const dropFiles = db.prepare("DELETE FROM history_file WHERE place = ?");
  const dropReactions = db.prepare("DELETE FROM history_reaction WHERE place = ?");
  const react = db.prepare(
    "INSERT INTO history_reaction (place, author, emoji) VALUES (?, ?, ?) " +
      "ON CONFLICT (place, author) DO UPDATE SET emoji = excluded.emoji",
  );
  const unreact = db.prepare("DELETE FROM history_reaction WHERE place = ? AND author = ?");
  const reactions = db.prepare("SELECT author, emoji FROM history_reaction WHERE place = ? ORDER BY author");
  const mark = db.prepare(
    "INSERT INTO history_mark (place, account, state) VALUES (?, ?, ?) " +
      "ON CONFLICT (place, account) DO UPDATE SET state = 'read' WHERE excluded.state = 'read'",
  );
  const marks = db.prepare("SELECT account, state FROM history_mark WHERE place = ? ORDER BY account");
  const expire = db.prepare("DELETE FROM history WHERE gone_at_ms <= ?");
  const nextEnd = db.prepare("SELECT min(gone_at_ms) FROM history WHERE gone_at_ms IS NOT NULL").pluck();
  const found =
    `SELECT ${historyColumns} FROM history WHERE place IN (SELECT rowid FROM history_text WHERE text MATCH ?)`;
  const search = db.prepare(`${found} ORDER BY place DESC LIMIT ?`);
  const searchIn = db.prepare(`${found} AND conversation = ? ORDER BY place DESC LIMIT ?`);
  const scan = db.prepare(`SELECT ${historyColumns} FROM history WHERE instr(text, ?) > 0 ORDER BY place DESC LIMIT ?`);
  const scanIn = db.prepare(
    `SELECT ${historyColumns} FROM history WHERE instr(text, ?) > 0 AND conversation = ? ORDER BY place DESC LIMIT ?`,
  );
  const newest = db.prepare(`SELECT ${historyColumns} FROM history ORDER BY place DESC LIMIT ?`);
  const first = db.prepare(`SELECT ${FIRST_PLACE}`).pluck();
  return {
    find(conversation, id, author) {
      const row = author === undefined ? find.get(conversation, id) : findBy.get(conversation, id, author);
      return row === undefined ? null : lineOf(row as LineRow);
    },
    edit: (place, text) => void edit.run(text, place),
    erase(place) {
      erase.run(place);
      dropFiles.run(place);
      dropReactions.run(place);
    },
    react: (place, author, emoji) => void (emoji === "" ? unreact.run(place, author) : react.run(place, author, emoji)),
    reactionsOf: (place) =>
      (reactions.all(place) as { author: Uint8Array; emoji: string }[]).map(
        ({ author, emoji }): HistoryReaction => ({ author: Uint8Array.from(author), emoji }),
      ),
    mark: (place, account, state) => void mark.run(place, account, state),
    marksOf: (place) =>
      (marks.all(place) as { account: Uint8Array; state: HistoryMark["state"] }[]).map(
        ({ account, state }): HistoryMark => ({ account: Uint8Array.from(account), state }),
      ),
    expire: (nowMs) => expire.run(nowMs).changes,
    nextEndMs: () => nextEnd.get() as number | null,
    newest: (limit) => rows(newest.all(limit)),
    search(words, limit, conversation) {
      const query = words.map((word) => `"${word.replaceAll('"', '""')}"*`).join(" ");
      return rows(conversation === undefined ? search.all(query, limit) : searchIn.all(query, conversation, limit));
    },
    scan: (text, limit, conversation) =>
      rows(conversation === undefined ? scan.all(text, limit) : scanIn.all(text, conversation, limit)),
    first: () => first.get() as number,
  };
}

/** Asked for newest first, shown oldest first. */
function rows(found: unknown[]): HistoryRow[] {
  return (found as LineRow[]).map(lineOf).reverse();
}
