/**
 * Histories on their way to another device of the account, and those that come from one: which parts are done.
 * @module
 */
import type Database from "better-sqlite3";
import type { HistoryRow } from "./history_rows.ts";
import { historyColumns, lineOf, type LineRow } from "./history_table.ts";

/** A history on its way to another device. */
export interface MoveRow {
  readonly transfer: Uint8Array; // 16 bytes
  /** The relay's name as dialled. */
  readonly relay: string;
  readonly device: Uint8Array; // device key of who gets it, 32 bytes
  readonly lines: number;
  readonly parts: number;
}

/** A stretch of the history, by places of its lines. */
export interface MovePart {
  readonly part: number; // from 1
  readonly firstPlace: number;
  readonly lastPlace: number;
  /** How many lines of the move come before it. */
  readonly linesBefore: number;
  readonly sent: boolean;
}

/** A part that another device sent. */
export interface ArrivedPart {
  readonly transfer: Uint8Array; // 16 bytes
  readonly part: number; // from 1
  readonly parts: number;
  /** In all parts. */
  readonly lines: number;
  /** The relay where it waits, as dialled. */
  readonly relay: string;
  /** Serialized File. */
  readonly file: Uint8Array;
}

/** How far a history that comes here is. */
export interface ArrivedMove {
  readonly transfer: Uint8Array; // 16 bytes
  readonly lines: number;
  readonly parts: number;
  /** Parts that are in, or lost. */
  readonly done: number;
  readonly lost: number;
  /** Lines that were not here before. */
  readonly added: number;
}

/** Moves of histories. */
export interface HistoryMoveTable {
  /** Every line that stays (none that disappears), by its place, with about the bytes that it takes on the way. */
  sizes(): { place: number; bytes: number }[];
  /** Lines that stay, between two places. */
  between(firstPlace: number, lastPlace: number): HistoryRow[];
  /** The last move to a device over a relay; null when there was none. */
  to(relay: string, device: Uint8Array): MoveRow | null;
  /** Devices (keys) whose move over a relay has not come to its end. */
  unfinished(relay: string): Uint8Array[];
  /** Nobody waits for the moves to a device any more. */
  drop(device: Uint8Array): void;
  begin(move: MoveRow, parts: readonly MovePart[]): void;
  partsOf(transfer: Uint8Array): MovePart[];
  sent(transfer: Uint8Array, part: number): void;
  /** Keeps a part to be imported; false when it is known. */
  arrived(part: ArrivedPart): boolean;
  /** The part of a relay that waits longest; null when none does. */
  next(relay: string): ArrivedPart | null;
  /** Whether any part of a relay waits. */
  waits(relay: string): boolean;
  /** The first place of a transfer's lines, in front of all that is there; chosen when its first part is imported. */
  baseOf(transfer: Uint8Array, lines: number): number;
  /** A part is in with so many new lines, or lost; its file is not needed any more. */
  settle(transfer: Uint8Array, part: number, outcome: { added: number } | "lost"): void;
  arrivedMove(transfer: Uint8Array): ArrivedMove;
}

/** SQL of a step of schema.ts. */
export const historyMoveSchema = `
  CREATE TABLE history_move (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    transfer BLOB NOT NULL UNIQUE,
    relay TEXT NOT NULL,
    device BLOB NOT NULL,
    lines INTEGER NOT NULL,
    parts INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE history_move_part (
    transfer BLOB NOT NULL REFERENCES history_move (transfer) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    first_place INTEGER NOT NULL,
    last_place INTEGER NOT NULL,
    lines_before INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    PRIMARY KEY (transfer, part)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE history_arrival (
    transfer BLOB NOT NULL,
    part INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    relay TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'in', 'lost')),
    added INTEGER NOT NULL,
    file BLOB,
    PRIMARY KEY (transfer, part)
  ) STRICT;
  CREATE INDEX history_arrival_waiting ON history_arrival (relay) WHERE state = 'waiting';
  CREATE TABLE history_base (transfer BLOB PRIMARY KEY, place INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `;

/** The tables over an open database. */
export function historyMoveTable(db: Database.Database): HistoryMoveTable {
  const sizes = db.prepare(
    "SELECT place, octet_length(text) + 200 + " +
      "(SELECT coalesce(sum(octet_length(name) + 150), 0) FROM history_file AS f WHERE f.place = h.place) + " +
      "(SELECT 80 * count(*) FROM history_reaction AS r WHERE r.place = h.place) + " +
      "(SELECT 40 * count(*) FROM history_mark AS m WHERE m.place = h.place) AS bytes " +
      "FROM history AS h WHERE disappear_s = 0 ORDER BY place",
  );
  const between = db.prepare(
    `SELECT ${historyColumns} FROM history WHERE disappear_s = 0 AND place BETWEEN ? AND ? ORDER BY place`,
  );
  const to = db.prepare("SELECT * FROM history_move WHERE relay = ? AND device = ? ORDER BY number DESC LIMIT 1");
  const unfinished = db.prepare(
    "SELECT DISTINCT device FROM history_move_part JOIN history_move USING (transfer) WHERE sent = 0 AND relay = ?",
  ).pluck();
  const drop = db.prepare("DELETE FROM history_move WHERE device = ?");
  const begin = db.prepare("INSERT INTO history_move (transfer, relay, device, lines, parts) VALUES (?, ?, ?, ?, ?)");
  const addPart = db.prepare("INSERT INTO history_move_part VALUES (?, ?, ?, ?, ?, 0)");
  const partsOf = db.prepare("SELECT * FROM history_move_part WHERE transfer = ? ORDER BY part");
  const sent = db.prepare("UPDATE history_move_part SET sent = 1 WHERE transfer = ? AND part = ?");
  const arrived = db.prepare(
    "INSERT INTO history_arrival VALUES (?, ?, ?, ?, ?, 'waiting', 0, ?) ON CONFLICT (transfer, part) DO NOTHING",
  );
  const next = db.prepare(
    "SELECT * FROM history_arrival WHERE state = 'waiting' AND relay = ? ORDER BY rowid LIMIT 1",
  );
  const waits = db.prepare("SELECT EXISTS (SELECT 1 FROM history_arrival WHERE state = 'waiting' AND relay = ?)")
    .pluck();
  const base = db.prepare("SELECT place FROM history_base WHERE transfer = ?").pluck();
  const front = db.prepare(`SELECT ${FIRST_PLACE}`).pluck();
  const putBase = db.prepare("INSERT INTO history_base VALUES (?, ?)");
  const settle = db.prepare(
    "UPDATE history_arrival SET state = ?, added = ?, file = NULL WHERE transfer = ? AND part = ? AND state = 'waiting'",
  );
  const move = db.prepare(
    "SELECT max(lines) AS lines, max(parts) AS parts, sum(state <> 'waiting') AS done, sum(state = 'lost') AS lost, " +
      "sum(added) AS added FROM history_arrival WHERE transfer = ?",
  );
  return {
    sizes: () => sizes.all() as { place: number; bytes: number }[],
    between: (firstPlace, lastPlace) => (between.all(firstPlace, lastPlace) as LineRow[]).map(lineOf),
    to(relay, device) {
      const row = to.get(relay, device) as MoveRow | undefined;
      if (!row) return null;
      const { lines, parts } = row;
      return { transfer: Uint8Array.from(row.transfer), relay, device, lines, parts };
    },
    unfinished: (relay) => (unfinished.all(relay) as Uint8Array[]).map((device) => Uint8Array.from(device)),
    drop: (device) => void drop.run(device),
    begin({ transfer, relay, device, lines, parts: all }, parts) {
      begin.run(transfer, relay, device, lines, all);
      for (const { part, firstPlace, lastPlace, linesBefore } of parts) {
        addPart.run(transfer, part, firstPlace, lastPlace, linesBefore);
      }
    },
    partsOf: (transfer) =>
      (partsOf.all(transfer) as PartRow[]).map(({ part, first_place, last_place, lines_before, sent }): MovePart => ({
        part,
        firstPlace: first_place,
        lastPlace: last_place,
        linesBefore: lines_before,
        sent: sent === 1,
      })),
    sent: (transfer, part) => void sent.run(transfer, part),
    arrived: ({ transfer, part, parts, lines, relay, file }) =>
      arrived.run(transfer, part, parts, lines, relay, file).changes === 1,
    next(relay) {
      const row = next.get(relay) as ArrivedPart | undefined;
      if (!row) return null;
      const { transfer, part, parts, lines, file } = row;
      return { transfer: Uint8Array.from(transfer), part, parts, lines, relay, file: Uint8Array.from(file) };
    },
    waits: (relay) => waits.get(relay) === 1,
    baseOf(transfer, lines) {
      const known = base.get(transfer) as number | undefined;
      if (known !== undefined) return known;
      const place = (front.get() as number) - lines;
      putBase.run(transfer, place);
      return place;
    },
    settle: (transfer, part, outcome) =>
      outcome === "lost"
        ? void settle.run("lost", 0, transfer, part)
        : void settle.run("in", outcome.added, transfer, part),
    arrivedMove: (transfer) => ({ ...(move.get(transfer) as Omit<ArrivedMove, "transfer">), transfer }),
  };
}

/** The first place that is taken, or kept for lines that are still to come. */
export const FIRST_PLACE = "min((SELECT coalesce(min(place), 1) FROM history), " +
  "(SELECT coalesce(min(place), 1) FROM history_base))";

interface PartRow {
  readonly part: number;
  readonly first_place: number;
  readonly last_place: number;
  readonly lines_before: number;
  readonly sent: number;
}
