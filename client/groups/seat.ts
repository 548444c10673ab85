/**
 * Comes into the conversations of the own account by itself, after a recovery: the relay lets a device in whose account
 * has another one on the roster, and members who find it listed take its external commit.
 * @module
 */
import { asQightError } from "../../proto/errors.ts";
import type { Progress } from "./devices.ts";
import { isMember } from "./member_row.ts";
import { comeIn } from "./rejoin.ts";
import type { GroupRoom } from "./room.ts";
import { putWaiting, wait, waitingOf } from "./waiting.ts";

/** How many conversations this device is in now, that will be tried again, and that are over for the account. */
export interface Rejoined {
  readonly joined: number;
  readonly later: number;
  readonly over: number;
}

/** Joins these groups (ids, 32 bytes); what does not go now is tried again later (`rejoinRest`). */
export async function rejoinAll(
  room: GroupRoom,
  groups: readonly Uint8Array[],
  progress: Progress = () => {},
): Promise<Rejoined> {
  await room.store.write((tables) => wait(tables, room.relay, { groups, nowMs: room.clock.now() }));
  return await rejoinRest(room, progress);
}

/** Tries again what `rejoinAll` could not join. */
export async function rejoinRest(room: GroupRoom, progress: Progress = () => {}): Promise<Rejoined> {
  const { store, relay, clock } = room;
  const waiting = await store.read((tables) => waitingOf(tables, relay));
  const names = [...new Set(waiting.filter(({ untilMs }) => untilMs > clock.now()).map(({ group }) => group))];
  let joined = 0, later = 0;
  if (names.length > 0) progress(0, names.length);
  for (const [at, name] of names.entries()) {
    const came = await tryOne(room, Uint8Array.fromHex(name));
    if (came === "joined") joined++;
    if (came === "later") later++;
    else await drop(room, name);
    progress(at + 1, names.length);
  }
  for (const { group, untilMs } of waiting) if (untilMs <= clock.now()) await drop(room, group);
  return { joined, later, over: names.length - joined - later };
}

async function tryOne(room: GroupRoom, group: Uint8Array): Promise<"joined" | "later" | "over"> {
  if (isMember(await room.store.read(({ groups }) => groups.get(room.relay, group)))) return "joined";
  try {
    return await comeIn(room, group, { kind: "seat" }) ? "joined" : "over";
  } catch (thrown) {
    const error = asQightError(thrown);
    // Others were faster, the relay is busy, or a leaf that is listed no more has not been removed yet.
    if ([64, 65, 67, 75, 77].includes(error.exit)) return error.code === "blocked" ? "over" : "later";
    throw error;
  }
}

async function drop({ store, relay }: GroupRoom, name: string): Promise<void> {
  await store.write((tables) => {
    putWaiting(tables, relay, waitingOf(tables, relay).filter(({ group }) => group !== name));
  });
}
