/**
 * Keeps the leaves of conversations in step with the device lists of their accounts. The relay says that a list has
 * changed; what is true the account's own signed list says, or its signed end.
 * @module
 */
import { describe } from "../../crypto/mls/state.ts";
import { asQightError, type QightError } from "../../proto/errors.ts";
import { pause } from "../clock.ts";
import type { GroupRow, Tables } from "../storage/store.ts";
import { refreshBundles } from "./authentication.ts";
import { change } from "./change.ts";
import { bringTo } from "./reach.ts";
import type { GroupRoom } from "./room.ts";
import { distinct } from "./rows.ts";
import { bringBack } from "./homeless.ts";
import { keepSeats, waitsForSeats } from "./kept_seats.ts";
import { NOTHING, type Seats, seatsOf } from "./seats.ts";

/** Hears how many conversations are done, of how many. */
export type Progress = (done: number, of: number) => void;

/** Without a notice each group is looked at once a day: a full mailbox leaves notices out. */
const LOOK_EVERY_MS = 24 * 3600_000;
/** A new device publishes its KeyPackages after its list: so long each look tries to add it. */
const STILL_COMING_MS = 3600_000;
/** The members of a group hear of a change at the same moment: the first one who commits saves the others the work. */
const SPREAD_MS = 400;

/** Inside a transaction: the relay says that the devices of a member's account are others now. */
export function noteMembers({ meta }: Tables, { relay, clock }: GroupRoom, group: Uint8Array): void {
  putTime(meta, DUE, relay, group, clock.now());
}

/**
 * When the mailbox is drained: asks for the device lists of the groups that a notice named, and of those that nobody
 * looked at for a day; removes leaves that are listed no more and adds devices that this one should let in. Answers what
 * went wrong: a later look does it.
 */
export async function tendDevices(room: GroupRoom): Promise<QightError[]> {
  const { clock, random } = room;
  const nowMs = clock.now();
  const due = (await activeRows(room)).filter(({ dueMs, lookedMs, waits, row }) =>
    dueMs > 0 || waits || nowMs >= Math.max(lookedMs, row.joinedAtMs) + LOOK_EVERY_MS
  );
  if (due.length === 0) return [];
  const asked = new Set<string>();
  const errors: QightError[] = [];
  let paused = false;
  for (const { row: { group }, dueMs } of due) {
    try {
      await ask(room, group, asked);
      if (hasWork(await seats(room, group)) && !paused) {
        await pause(clock, random(1)[0] / 255 * SPREAD_MS);
        paused = true;
      }
      await settle(room, group, dueMs);
    } catch (thrown) {
      errors.push(leaveForLater(thrown));
    }
  }
  return errors;
}

/**
 * Brings all conversations in step at once, after this device linked or revoked another one of its account. Those that
 * cannot be changed now are done by a later look.
 */
export async function settleAll(room: GroupRoom, progress: Progress = () => {}): Promise<QightError[]> {
  const rows = await activeRows(room);
  const errors: QightError[] = [];
  if (rows.length > 0) await refreshBundles(room, [room.account]);
  progress(0, rows.length);
  for (const [at, { row: { group } }] of rows.entries()) {
    const nowMs = room.clock.now();
    try {
      await room.store.write((tables) => noteMembers(tables, room, group));
      await bringTo(room, group);
      await settle(room, group, nowMs);
    } catch (thrown) {
      errors.push(leaveForLater(thrown));
    }
    progress(at + 1, rows.length);
  }
  return errors;
}

/** Asks for the lists of a group's accounts that were not asked for before. */
async function ask(room: GroupRoom, group: Uint8Array, asked: Set<string>): Promise<void> {
  const members = await room.store.write(async (tables) => {
    const loaded = await room.states.load(tables, room.relay, group);
    return loaded ? describe(loaded.state).members : [];
  });
  const accounts = distinct(members).filter((account) => !asked.has(account.toHex()));
  await refreshBundles(room, accounts);
  for (const account of accounts) asked.add(account.toHex());
}

async function settle(room: GroupRoom, group: Uint8Array, dueMs: number): Promise<void> {
  const { store, relay, clock } = room;
  const before = await seats(room, group);
  await keepSeats(room, group, before.homeless);
  if (hasWork(before)) await change(room, group, { tidy: true });
  await bringBack(room, group);
  const left = await seats(room, group);
  const nowMs = clock.now();
  const comes = left.absent.length > 0 && nowMs < dueMs + STILL_COMING_MS;
  await store.write(({ meta }) => {
    putTime(meta, LOOKED, relay, group, nowMs);
    // A notice that came meanwhile is of something newer.
    if (!comes && getTime(meta, DUE, relay, group) <= dueMs) meta.removeAll(nameOf(DUE, relay, group));
  });
}

async function seats(room: GroupRoom, group: Uint8Array): Promise<Seats> {
  return await room.store.write(async (tables) => {
    const loaded = await room.states.load(tables, room.relay, group);
    return loaded ? await seatsOf(room, tables, describe(loaded.state)) : NOTHING;
  });
}

function hasWork({ gone, absent }: Seats): boolean {
  return gone.length + absent.length > 0;
}

interface Due {
  readonly row: GroupRow;
  readonly dueMs: number;
  readonly lookedMs: number;
  /** A recovered account waits for its seat. */
  readonly waits: boolean;
}

async function activeRows({ store, relay }: GroupRoom): Promise<Due[]> {
  return await store.read(({ groups, meta }) =>
    groups.all().filter((row) => row.relay === relay && row.status === "active").map((row) => ({
      row,
      dueMs: getTime(meta, DUE, relay, row.group),
      lookedMs: getTime(meta, LOOKED, relay, row.group),
      waits: waitsForSeats({ meta }, relay, row.group),
    }))
  );
}

/** What concerns one group is left for later; without a session nothing more can be done. */
function leaveForLater(thrown: unknown): QightError {
  const error = asQightError(thrown);
  if ([64, 65, 67, 75, 77].includes(error.exit)) return error;
  throw error;
}

const DUE = "devices_due";
const LOOKED = "devices_looked";

function nameOf(what: string, relay: string, group: Uint8Array): string {
  return `${what}:${group.toHex()}:${relay}`;
}

function getTime(meta: Tables["meta"], what: string, relay: string, group: Uint8Array): number {
  return Number(new TextDecoder().decode(meta.get(nameOf(what, relay, group)) ?? new Uint8Array(0)));
}

function putTime(meta: Tables["meta"], what: string, relay: string, group: Uint8Array, atMs: number): void {
  meta.put(nameOf(what, relay, group), new TextEncoder().encode(String(atMs)));
}
