/**
 * Lets devices into a direct conversation that came later, when something is about to be said in it.
 * @module
 */
import { asQightError } from "../../proto/errors.ts";
import { change } from "./change.ts";
import type { GroupRoom } from "./room.ts";

/** A device that has no KeyPackage is asked for again after so long; what is said goes sealed meanwhile. */
const TRY_EVERY_MS = 10 * 60_000;

/** Adds what can be added, at most every 10 minutes. Does not throw what the relay refuses: the message goes sealed then. */
export async function completeNow(room: GroupRoom, group: Uint8Array): Promise<void> {
  const { store, relay, clock } = room;
  const name = `completed:${group.toHex()}:${relay}`;
  const nowMs = clock.now();
  const lastMs = await store.read(({ meta }) => Number(new TextDecoder().decode(meta.get(name) ?? new Uint8Array(0))));
  if (Math.abs(nowMs - lastMs) < TRY_EVERY_MS) return;
  try {
    await change(room, group, { tidy: true });
  } catch (thrown) {
    const error = asQightError(thrown);
    if (![64, 65, 67, 75, 77].includes(error.exit)) throw error;
  }
  await store.write(({ meta }) => meta.put(name, new TextEncoder().encode(String(nowMs))));
}
