/**
 * Seats of accounts that lost all their devices at once: a recovery that takes the others off the list leaves an account
 * without a leaf, and its new device may not have published KeyPackages yet. Whoever removed the last leaf brings it back.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import { describe } from "../../crypto/mls/state.ts";
import { asQightError } from "../../proto/errors.ts";
import { hasEnded } from "../account_ends.ts";
import { change } from "./change.ts";
import { dropSeat, seatsKept } from "./kept_seats.ts";
import type { GroupRoom } from "./room.ts";

/** Adds those who can be added now; who is in, has ended, or waited for too long is forgotten. */
export async function bringBack(room: GroupRoom, group: Uint8Array): Promise<void> {
  const { store, states, relay, clock } = room;
  for (const { account: name, untilMs } of await store.read((tables) => seatsKept(tables, relay, group))) {
    const account = Uint8Array.fromHex(name);
    const isOver = await store.write(async (tables) => {
      const loaded = await states.load(tables, relay, group);
      const isIn = loaded && describe(loaded.state).members.some((member) => equal(member.account, account));
      return isIn || !loaded || hasEnded(tables, account) || clock.now() >= untilMs;
    });
    if (!isOver && !await add(room, group, account)) continue;
    await store.write((tables) => dropSeat(tables, { relay, group }, account));
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
