/**
 * The store's tables of MLS groups: rows, states, commits under way, and what happened.
 * @module
 */
import type Database from "better-sqlite3";
import type { GroupEventRow, GroupParts, GroupRow, GroupStatus, GroupTable, PendingCommit } from "./group_rows.ts";

/** SQL of the tables; a step of schema.ts. */
export const groupSchema = `
  CREATE TABLE mls_group (
    relay TEXT NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('direct', 'group')),
    peer BLOB,
    name TEXT NOT NULL,
    folded TEXT UNIQUE,
    creator BLOB NOT NULL,
    suite INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'joining', 'stuck', 'left', 'removed')),
    joined_at_ms INTEGER NOT NULL,
    stuck_at_ms INTEGER NOT NULL,
    healed_at_ms INTEGER NOT NULL,
    stamp BLOB NOT NULL,
    PRIMARY KEY (relay, id)
  ) STRICT;
  CREATE TABLE mls_state (
    relay TEXT NOT NULL,
    id BLOB NOT NULL,
    epoch_part BLOB NOT NULL,
    message_part BLOB NOT NULL,
    PRIMARY KEY (relay, id)
  ) STRICT;
  CREATE TABLE mls_pending (
    relay TEXT NOT NULL,
    id BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    hash BLOB NOT NULL,
    request BLOB NOT NULL,
    next TEXT NOT NULL,
    epoch_part BLOB NOT NULL,
    message_part BLOB NOT NULL,
    events TEXT NOT NULL,
    PRIMARY KEY (relay, id, hash)
  ) STRICT;
  CREATE TABLE mls_event (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    relay TEXT NOT NULL,
    id BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL
  ) STRICT;
  CREATE TABLE mls_leaver (
    relay TEXT NOT NULL,
    id BLOB NOT NULL,
    account BLOB NOT NULL,
    PRIMARY KEY (relay, id, account)
  ) STRICT, WITHOUT ROWID;
`;

/** Who was put out by the relay did not say that they leave; a later step of schema.ts. */
export const leaverSchema = `
  ALTER TABLE mls_leaver ADD COLUMN put_out INTEGER NOT NULL DEFAULT 0;
`;

interface Row {
  readonly relay: string;
  readonly id: Uint8Array;
  readonly kind: GroupRow["kind"];
  readonly peer: Uint8Array | null;
  readonly name: string;
  readonly creator: Uint8Array;
  readonly suite: number;
  readonly epoch: number;
  readonly status: GroupStatus;
  readonly joined_at_ms: number;
  readonly stuck_at_ms: number;
  readonly healed_at_ms: number;
  readonly stamp: Uint8Array;
}

/** The tables over an open database. */
export function groupTable(db: Database.Database): GroupTable {
  return { ...rows(db), ...commits(db), ...happened(db) };
}

type Rows = Pick<GroupTable, "get" | "ofName" | "ofPeer" | "all" | "parts" | "put" | "putMessagePart" | "remove">;

function rows(db: Database.Database): Rows {
  const get = db.prepare("SELECT * FROM mls_group WHERE relay = ? AND id = ?");
  const ofName = db.prepare("SELECT * FROM mls_group WHERE folded = ?");
  const ofPeer = db.prepare("SELECT * FROM mls_group WHERE relay = ? AND kind = 'direct' AND peer = ?");
  const all = db.prepare("SELECT * FROM mls_group ORDER BY lower(name), id");
  const put = db.prepare(
    `INSERT INTO mls_group (relay, id, kind, peer, name, folded, creator, suite, epoch, status, joined_at_ms, stuck_at_ms,
     healed_at_ms, stamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (relay, id) DO UPDATE SET
     kind = excluded.kind, peer = excluded.peer, name = excluded.name, folded = excluded.folded,
     creator = excluded.creator, suite = excluded.suite, epoch = excluded.epoch, status = excluded.status,
     joined_at_ms = excluded.joined_at_ms, stuck_at_ms = excluded.stuck_at_ms,
     healed_at_ms = excluded.healed_at_ms, stamp = excluded.stamp`,
  );
  const stamp = db.prepare("UPDATE mls_group SET stamp = ? WHERE relay = ? AND id = ?");
  const remove = db.prepare("DELETE FROM mls_group WHERE relay = ? AND id = ?");
  const parts = db.prepare("SELECT epoch_part, message_part FROM mls_state WHERE relay = ? AND id = ?");
  const putParts = db.prepare(
    "INSERT INTO mls_state (relay, id, epoch_part, message_part) VALUES (?, ?, ?, ?) ON CONFLICT (relay, id) DO UPDATE " +
      "SET epoch_part = excluded.epoch_part, message_part = excluded.message_part",
  );
  const putMessagePart = db.prepare("UPDATE mls_state SET message_part = ? WHERE relay = ? AND id = ?");
  const eraseParts = db.prepare("DELETE FROM mls_state WHERE relay = ? AND id = ?");
  return {
    get: (relay, group) => groupOf(get.get(relay, group)),
    ofName: (name) => groupOf(ofName.get(folded(name))),
    ofPeer: (relay, peer) => groupOf(ofPeer.get(relay, peer)),
    all: () => all.all().map((row) => groupOf(row)!),
    parts: (relay, group) => partsOf(parts.get(relay, group)),
    put(row, state) {
      const { relay, group, kind, peer, name, creator, suite, epoch, status } = row;
      const { joinedAtMs, stuckAtMs, healedAtMs, stamp } = row;
      // A group that is over gives its name free.
      const known = name === "" || status === "left" || status === "removed" ? null : folded(name);
      const times = [joinedAtMs, stuckAtMs, healedAtMs];
      put.run(relay, group, kind, peer, name, known, creator, suite, epoch, status, ...times, stamp);
      if (state) putParts.run(relay, group, state.epochPart, state.messagePart);
      if (state === null) eraseParts.run(relay, group);
    },
    putMessagePart(relay, group, newStamp, messagePart) {
      putMessagePart.run(messagePart, relay, group);
      stamp.run(newStamp, relay, group);
    },
    remove(relay, group) {
      eraseParts.run(relay, group);
      remove.run(relay, group);
    },
  };
}

type Commits = Pick<GroupTable, "addPending" | "pending" | "dropPending" | "dropPendingBelow">;

function commits(db: Database.Database): Commits {
  const add = db.prepare(
    "INSERT OR REPLACE INTO mls_pending (relay, id, epoch, hash, request, next, epoch_part, message_part, events) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const all = db.prepare("SELECT * FROM mls_pending WHERE relay = ? AND id = ? ORDER BY epoch, hash");
  const drop = db.prepare("DELETE FROM mls_pending WHERE relay = ? AND id = ? AND hash = ?");
  const dropBelow = db.prepare("DELETE FROM mls_pending WHERE relay = ? AND id = ? AND epoch < ?");
  return {
    addPending: ({ relay, group, epoch, hash, request, next, parts, events }) =>
      void add.run(relay, group, epoch, hash, request, written(next), parts.epochPart, parts.messagePart, events),
    pending: (relay, group) =>
      (all.all(relay, group) as Record<string, unknown>[]).map((row): PendingCommit => ({
        relay,
        group,
        epoch: row.epoch as number,
        hash: bytes(row.hash),
        request: bytes(row.request),
        next: read(row.next as string),
        parts: partsOf(row)!,
        events: row.events as string,
      })),
    dropPending: (relay, group, hash) => void drop.run(relay, group, hash),
    dropPendingBelow: (relay, group, epoch) => void dropBelow.run(relay, group, epoch),
  };
}

type Happened = Pick<
  GroupTable,
  "addEvent" | "events" | "forgetEvents" | "leavers" | "saidLeft" | "addLeaver" | "dropLeaver"
>;

function happened(db: Database.Database): Happened {
  const add = db.prepare("INSERT INTO mls_event (relay, id, at_ms, event) VALUES (?, ?, ?, ?)");
  const all = db.prepare("SELECT * FROM mls_event WHERE relay = ? ORDER BY place");
  const forget = db.prepare("DELETE FROM mls_event WHERE place = ?");
  const leavers = db.prepare("SELECT account FROM mls_leaver WHERE relay = ? AND id = ?").pluck();
  const saidLeft = db.prepare("SELECT account FROM mls_leaver WHERE relay = ? AND id = ? AND put_out = 0").pluck();
  const addLeaver = db.prepare("INSERT OR IGNORE INTO mls_leaver (relay, id, account, put_out) VALUES (?, ?, ?, ?)");
  const dropLeaver = db.prepare("DELETE FROM mls_leaver WHERE relay = ? AND id = ? AND account = ?");
  return {
    addEvent: ({ relay, group, atMs, event }) => void add.run(relay, group, atMs, event),
    events: (relay) =>
      (all.all(relay) as Record<string, unknown>[]).map((row): GroupEventRow => ({
        place: row.place as number,
        relay,
        group: bytes(row.id),
        atMs: row.at_ms as number,
        event: row.event as string,
      })),
    forgetEvents: (places) => places.forEach((place) => forget.run(place)),
    leavers: (relay, group) => leavers.all(relay, group).map(bytes),
    saidLeft: (relay, group) => saidLeft.all(relay, group).map(bytes),
    addLeaver: (relay, group, account, why) => void addLeaver.run(relay, group, account, Number(why === "put_out")),
    dropLeaver: (relay, group, account) => void dropLeaver.run(relay, group, account),
  };
}

/** One name however it is typed, as for contacts (UAX #15, NFKC). */
function folded(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

function groupOf(found: unknown): GroupRow | null {
  const row = found as Row | undefined;
  if (!row) return null;
  return {
    relay: row.relay,
    group: bytes(row.id),
    kind: row.kind,
    peer: row.peer && bytes(row.peer),
    name: row.name,
    creator: bytes(row.creator),
    suite: row.suite,
    epoch: row.epoch,
    status: row.status,
    joinedAtMs: row.joined_at_ms,
    stuckAtMs: row.stuck_at_ms,
    healedAtMs: row.healed_at_ms,
    stamp: bytes(row.stamp),
  };
}

function partsOf(found: unknown): GroupParts | null {
  const row = found as { epoch_part: unknown; message_part: unknown } | undefined;
  return row ? { epochPart: bytes(row.epoch_part), messagePart: bytes(row.message_part) } : null;
}

type NextRow = PendingCommit["next"];

/** The row of an accepted commit as JSON, bytes in hex. */
function written({ group, peer, creator, ...rest }: NextRow): string {
  return JSON.stringify({ ...rest, group: group.toHex(), peer: peer?.toHex() ?? null, creator: creator.toHex() });
}

function read(text: string): NextRow {
  const { group, peer, creator, ...rest } = JSON.parse(text);
  const fromHex = (digits: string) => Uint8Array.fromHex(digits);
  return { ...rest, group: fromHex(group), peer: peer && fromHex(peer), creator: fromHex(creator) };
}

/** A plain copy instead of Node's Buffer, whose slice and toString differ. */
function bytes(value: unknown): Uint8Array {
  return Uint8Array.from(value as Uint8Array);
}
