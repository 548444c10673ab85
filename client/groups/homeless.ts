/**
 * Seats of accounts that lost all their devices at once: a recovery that takes the others off the list leaves an account
 * without a leaf, and its new device may not have published KeyPackages yet. Whoever removed the last leaf brings it back.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import { describe } from "../../crypto/mls/state.ts";
import { asQightError } from "../../proto/errors.ts";
import { hasEnded } from "../account_ends.ts";
import type { Tables } from "../storage/store.ts";
import { change } from "./change.ts";
import type { GroupRoom } from "./room.ts";

/** A seat is kept for so long. */
const KEPT_MS = 7 * 24 * 3600_000;

/** Notes that these accounts (hashes) are to be brought back after their last leaf has gone. */
export async function keepSeats(room: GroupRoom, group: Uint8Array, accounts: readonly Uint8Array[]): Promise<void> {
  if (accounts.length === 0) return;
  const untilMs = room.clock.now() + KEPT_MS;
  await room.store.write((tables) => {
    const kept = read(tables, room.relay, group).filter(({ account }) =>
      !accounts.some((one) => one.toHex() === account)
    );
    write(tables, room.relay, group, [...kept, ...accounts.map((one) => ({ account: one.toHex(), untilMs }))]);
  });
}

/** Inside a transaction: whether somebody waits for a seat in a group. */
export function waitsForSeats(tables: Pick<Tables, "meta">, relay: string, group: Uint8Array): boolean {
  return read(tables, relay, group).length > 0;
}

/** Adds those who can be added now; who is in, has ended, or waited for too long is forgotten. */
export async function bringBack(room: GroupRoom, group: Uint8Array): Promise<void> {
  const { store, states, relay, clock } = room;
  for (const { account: name, untilMs } of await store.read((tables) => read(tables, relay, group))) {
    const account = Uint8Array.fromHex(name);
    const isOver = await store.write(async (tables) => {
      const loaded = await states.load(tables, relay, group);
      const isIn = loaded && describe(loaded.state).members.some((member) => equal(member.account, account));
      return isIn || !loaded || hasEnded(tables, account) || clock.now() >= untilMs;
    });
    if (!isOver && !await add(room, group, account)) continue;
    await store.write((tables) => {
      write(tables, relay, group, read(tables, relay, group).filter((one) => one.account !== name));
    });
  }
}

async function add(room: GroupRoom, group: Uint8Array, account: Uint8Array): Promise<boolean> {
  try {
    await change(room, group, { add: [account] });
    return true;
  } catch (thrown) {
    const { code } = asQightError(thrown);
    if (code === "no_key_package" || code === "rate_limited" || code === "no_such_recipient") return false;
    throw thrown;
  }
}

interface Kept {
  readonly account: string; // hex
  readonly untilMs: number;
}

function read({ meta }: Pick<Tables, "meta">, relay: string, group: Uint8Array): Kept[] {
  const kept = meta.get(nameOf(relay, group));
  return kept ? JSON.parse(new TextDecoder().decode(kept)) : [];
}

function write({ meta }: Pick<Tables, "meta">, relay: string, group: Uint8Array, kept: readonly Kept[]): void {
  if (kept.length === 0) meta.removeAll(nameOf(relay, group));
  else meta.put(nameOf(relay, group), new TextEncoder().encode(JSON.stringify(kept)));
}

function nameOf(relay: string, group: Uint8Array): string {
  return `seats_kept:${group.toHex()}:${relay}`;
}
