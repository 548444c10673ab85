/**
 * Whether an account has recovery codes at a relay, and whether what they bring back is what is here.
 * @module
 */
import type Database from "better-sqlite3";

/** What a device knows of its account's recovery codes at one relay. */
export interface RecoveryMark {
  /** The account's name there; empty without one. */
  readonly name: string;
  /** When the codes were made, milliseconds since 1970; the newest word of any own device counts. */
  readonly madeAtMs: number;
  /** Contacts and conversations that changed here since they were written down at the relay. */
  readonly changes: number;
}

/** Marks by relay, as dialled. */
export interface RecoveryMarkTable {
  /** Null where no codes are known of. */
  get(relay: string): RecoveryMark | null;
  /** From here on changes are counted: what is gathered now is to be kept. Answers how many there were. */
  begin(relay: string): number;
  /** Codes were made on this device, for what was gathered after so many changes; own other devices are to be told. */
  made(relay: string, codes: { readonly name: string; readonly madeAtMs: number; readonly changes: number }): void;
  /** What was gathered after so many changes is at the relay. */
  renewed(relay: string, changes: number): void;
  /** What is at the relay may not be what was written down there from here: another device wrote, that is trusted no more. */
  doubt(): void;
  /** The relay says that there are no codes. */
  none(relay: string, nowMs: number): void;
  /** Another own device says that there are codes. */
  heard(relay: string, codes: Pick<RecoveryMark, "name" | "madeAtMs">): void;
  /** What own other devices have not been told; null when there is nothing. */
  untold(relay: string): RecoveryMark | null;
  /** The others know of codes made at `madeAtMs`. */
  told(relay: string, madeAtMs: number): void;
  /** All is to be told: somebody new knows nothing of it. */
  tellAgain(): void;
  /** Nothing is known of codes any more: this device is of another account now. */
  forget(): void;
}

const IS_IN = (row: string) => `(${row}.status NOT IN ('left', 'removed'))`;
const COUNT = "UPDATE recovery_mark SET changes = changes + 1";

/** SQL of a step of schema.ts. Triggers count what changes, so that nobody who writes contacts or groups can forget it. */
export const recoveryMarkSchema = `
  CREATE TABLE recovery_mark (
    relay TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    exist INTEGER NOT NULL,
    made_at_ms INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    told INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER recovery_contact_added AFTER INSERT ON contact BEGIN ${COUNT}; END;
  CREATE TRIGGER recovery_contact_changed AFTER UPDATE ON contact WHEN old.account <> new.account OR
    old.name <> new.name OR old.verified <> new.verified OR old.blocked <> new.blocked BEGIN ${COUNT}; END;
  CREATE TRIGGER recovery_contact_removed AFTER DELETE ON contact BEGIN ${COUNT}; END;
  CREATE TRIGGER recovery_group_added AFTER INSERT ON mls_group WHEN ${IS_IN("new")} BEGIN
    ${COUNT} WHERE relay = new.relay; END;
  CREATE TRIGGER recovery_group_changed AFTER UPDATE ON mls_group WHEN old.name <> new.name OR
    ${IS_IN("old")} <> ${IS_IN("new")} BEGIN ${COUNT} WHERE relay = new.relay; END;
  CREATE TRIGGER recovery_group_removed AFTER DELETE ON mls_group WHEN ${IS_IN("old")} BEGIN
    ${COUNT} WHERE relay = old.relay; END;
  `;

/** The table over an open database. */
export function recoveryMarkTable(db: Database.Database): RecoveryMarkTable {
  const columns = "SELECT name, made_at_ms AS madeAtMs, changes FROM recovery_mark WHERE relay = ? AND exist = 1";
  const get = db.prepare(columns);
  const untold = db.prepare(`${columns} AND told = 0`);
  const begin = db.prepare("INSERT OR IGNORE INTO recovery_mark VALUES (?, '', 0, 0, 0, 1)");
  const changes = db.prepare("SELECT changes FROM recovery_mark WHERE relay = ?").pluck();
  // Codes that were made later count, whatever the clocks of other devices say.
  const made = db.prepare(
    "UPDATE recovery_mark SET name = ?, exist = 1, made_at_ms = max(?, made_at_ms + 1), changes = changes - ?, told = 0 " +
      "WHERE relay = ?",
  );
  const renewed = db.prepare("UPDATE recovery_mark SET changes = changes - ? WHERE relay = ?");
  const none = db.prepare("UPDATE recovery_mark SET exist = 0, made_at_ms = max(?, made_at_ms + 1) WHERE relay = ?");
  const heard = db.prepare(
    "INSERT INTO recovery_mark VALUES (?, ?, 1, ?, 0, 1) ON CONFLICT (relay) DO UPDATE SET name = excluded.name, " +
      "exist = 1, made_at_ms = excluded.made_at_ms, told = 1 WHERE excluded.made_at_ms > made_at_ms",
  );
  const told = db.prepare("UPDATE recovery_mark SET told = 1 WHERE relay = ? AND made_at_ms = ?");
  return {
    get: (relay) => (get.get(relay) as RecoveryMark | undefined) ?? null,
    begin(relay) {
      begin.run(relay);
      return changes.get(relay) as number;
    },
    made: (relay, codes) => void made.run(codes.name, codes.madeAtMs, codes.changes, relay),
    renewed: (relay, count) => void renewed.run(count, relay),
    doubt: () => void db.exec(COUNT),
    none: (relay, nowMs) => void none.run(nowMs, relay),
    heard: (relay, { name, madeAtMs }) => void heard.run(relay, name, madeAtMs),
    untold: (relay) => (untold.get(relay) as RecoveryMark | undefined) ?? null,
    told: (relay, madeAtMs) => void told.run(relay, madeAtMs),
    tellAgain: () => void db.exec("UPDATE recovery_mark SET told = 0"),
    forget: () => void db.exec("DELETE FROM recovery_mark"),
  };
}
