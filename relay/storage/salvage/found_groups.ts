/**
 * Groups of a damaged database: rows that match their checksums, put together so that they fit each other.
 * @module
 */
import type { Database, Statement } from "better-sqlite3";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { equal } from "../../../crypto/equal.ts";
import { splitDevices } from "../sqlite_directory.ts";
import type { Value } from "./cells.ts";
import type { GroupTable } from "./rows.ts";

/** Rows as SQLite gives them; the number of a row stands apart. An older image of a group gives way to a newer one. */
const inserts = {
  payloads: "INSERT OR IGNORE INTO payloads (id, crc, envelope) VALUES (?, ?, ?)",
  groups: `INSERT INTO groups (id, name, suite, creator, maker, direct, epoch, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, suite = excluded.suite, creator = excluded.creator,
      maker = excluded.maker, direct = excluded.direct, epoch = excluded.epoch WHERE excluded.epoch > epoch
    ON CONFLICT DO NOTHING`,
  group_states: "INSERT OR IGNORE INTO group_states (slot, roster, crc, group_info) VALUES (?, ?, ?, ?)",
  commits:
    "INSERT OR IGNORE INTO commits (slot, device, accepted, until, hash, crc, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)",
  welcomes: "INSERT OR IGNORE INTO welcomes (id, grp, epoch, device, until, crc, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)",
  welcomed: "INSERT OR IGNORE INTO welcomed (device, grp, welcome) VALUES (?, ?, ?)",
} as const satisfies Record<GroupTable, string>;

/** What belongs to no group that is whole, or to an epoch that it left long ago, goes. */
const tidy = `
DELETE FROM groups WHERE NOT EXISTS (SELECT 1 FROM group_states s WHERE s.slot = (groups.id << 36) | groups.epoch);
DELETE FROM group_states WHERE NOT EXISTS
  (SELECT 1 FROM groups g WHERE group_states.slot IN ((g.id << 36) | g.epoch, (g.id << 36) | (g.epoch - 1)));
DELETE FROM commits WHERE NOT EXISTS
  (SELECT 1 FROM groups g WHERE g.id = commits.slot >> 36 AND commits.slot & 68719476735 < g.epoch);
DELETE FROM welcomed WHERE NOT EXISTS (SELECT 1 FROM welcomes w WHERE w.id = welcomed.welcome AND w.grp = welcomed.grp);
DELETE FROM welcomes WHERE NOT EXISTS (SELECT 1 FROM groups g WHERE g.id = welcomes.grp AND welcomes.epoch <= g.epoch)
  OR NOT EXISTS (SELECT 1 FROM welcomed w WHERE w.welcome = welcomes.id);
DELETE FROM welcomed WHERE NOT EXISTS (SELECT 1 FROM welcomes w WHERE w.id = welcomed.welcome);
INSERT INTO payload_refs (id, pointers, size)
  SELECT payload, count(*), size FROM messages WHERE payload > 0 GROUP BY payload;
DELETE FROM payloads WHERE NOT EXISTS (SELECT 1 FROM payload_refs r WHERE r.id = payloads.id);
UPDATE groups SET bytes =
  (SELECT coalesce(sum(length(roster) + length(group_info)), 0) FROM group_states WHERE slot >> 36 = groups.id) +
  (SELECT coalesce(sum(length(bytes)), 0) FROM commits WHERE slot >> 36 = groups.id) +
  (SELECT coalesce(sum(length(bytes)), 0) FROM welcomes WHERE grp = groups.id);
`;

/** What of groups goes into the new database. */
export class FoundGroups {
  readonly #db: Database;
  readonly #inserts: Record<string, Statement>;
  readonly #payload: Statement;
  /** Groups seen, with a row of their own or only in others. */
  readonly #seen = new Set<number>();

  constructor(db: Database) {
    this.#db = db;
    this.#inserts = Object.fromEntries(Object.entries(inserts).map(([table, sql]) => [table, db.prepare(sql)]));
    this.#payload = db.prepare("SELECT envelope FROM payloads WHERE id = ?").pluck();
  }

  /** Takes a row that matches its checksum. */
  add(table: GroupTable, rowid: number | null, values: readonly Value[]): void {
    const group = groupOf(table, rowid, values);
    if (group !== null) this.#seen.add(group);
    const numbered = table !== "welcomed";
    if (numbered && !(rowid !== null && rowid >= 1)) return;
    if (isSound(table, values)) this.#inserts[table].run(...numbered ? [rowid, ...values.slice(1)] : values);
  }

  /** The payload that a message points to; null when it is lost. */
  payload(id: number): Uint8Array | null {
    const found = this.#payload.get(id) as Uint8Array | undefined;
    return found ? Uint8Array.from(found) : null;
  }

  /** When all rows are in: makes them fit; answers how many groups are whole and how many are lost. */
  finish(): { groups: number; lostGroups: number } {
    this.#db.exec(tidy);
    const addMember = this.#db.prepare("INSERT OR IGNORE INTO members (device, grp) VALUES (?, ?)");
    const rows = this.#db.prepare(
      "SELECT g.id, s.roster FROM groups g JOIN group_states s ON s.slot = (g.id << 36) | g.epoch",
    ).all() as { id: number; roster: Uint8Array }[];
    for (const { id, roster } of rows) for (const device of splitDevices(roster)) addMember.run(device, id);
    return { groups: rows.length, lostGroups: Math.max(0, this.#seen.size - rows.length) };
  }
}

function groupOf(table: GroupTable, rowid: number | null, values: readonly Value[]): number | null {
  if (table === "payloads") return null;
  if (table === "groups") return rowid;
  if (table === "welcomes" || table === "welcomed") return values[1] as number;
  return Math.floor((rowid ?? 0) / 2 ** 36);
}

function isSound(table: GroupTable, values: readonly Value[]): boolean {
  const bytes = (at: number) => values[at] as Uint8Array;
  switch (table) {
    case "payloads":
      return crc32(bytes(2)) === values[1];
    case "group_states":
      return bytes(1).length % 32 === 0 && crc32(bytes(3), crc32(bytes(1))) === values[2];
    case "commits":
      return crc32(bytes(6)) === values[5] && equal(createHash("sha256").update(bytes(6)).digest(), bytes(4));
    case "welcomes":
      return crc32(bytes(6)) === values[5];
    case "groups":
      return bytes(5).length === 0 || bytes(5).length === 64;
    case "welcomed":
      return true;
  }
}
