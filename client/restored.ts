/**
 * Notices that a store is an older or another copy of itself: then the next number and the next key that it names may have
 * been used already, so lineages begin anew and groups are joined anew before anything is encrypted.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { Random } from "./clock.ts";
import { renewLineages } from "./outbox.ts";
import type { ClientStore } from "./storage/store.ts";

/** Where the store's file was when it was last looked at. */
const PLACE = "place";
/** Random, once per restore; absent in a store that never was. */
const RESTORED = "restored";
/** With a relay's name: the restore after which the groups there were joined anew. */
const HEALED = "healed:";

/**
 * Compares the file with what the store knows of it. `place` is what changes when a file is copied and stays while it is
 * used or moved, such as its inode and its date of birth.
 */
export async function noticeRestored(store: ClientStore, place: string, random: Random): Promise<void> {
  const here = new TextEncoder().encode(place);
  const known = await store.read(({ meta }) => meta.get(PLACE));
  if (known && equal(known, here)) return;
  if (known) await renewLineages(store);
  await store.write(({ meta }) => {
    if (known) meta.put(RESTORED, random(8));
    meta.put(PLACE, here);
  });
}

/** The store holds states that were used elsewhere: groups are joined anew before anything is encrypted. */
export async function markRestored(store: ClientStore, random: Random): Promise<void> {
  await store.write(({ meta }) => meta.put(RESTORED, random(8)));
}

/** Runs `heal` once for each restore and relay (name as dialled); until it has ended well nothing may be encrypted. */
export async function healOnce(store: ClientStore, relay: string, heal: () => Promise<void>): Promise<void> {
  const { restored, healed } = await store.read(({ meta }) => {
    return { restored: meta.get(RESTORED), healed: meta.get(HEALED + relay) };
  });
  if (!restored || (healed && equal(healed, restored))) return;
  await heal();
  await store.write(({ meta }) => meta.put(HEALED + relay, restored));
}
