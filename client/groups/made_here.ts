/**
 * Notes which groups this device made itself: it was there before anybody said anything. That its account made one says
 * nothing about that, since another device of the account may have.
 * @module
 */
import type { GroupRow, Tables } from "../storage/store.ts";

type Made = Pick<GroupRow, "relay" | "group">;

/** Inside the transaction that saves a group for the first time: this device made it. */
export function noteMadeHere({ meta }: Pick<Tables, "meta">, made: Made): void {
  meta.put(nameOf(made), new Uint8Array(1));
}

/** Whether this device made a group, and has heard whatever was said in it. */
export function isMadeHere({ meta }: Pick<Tables, "meta">, made: Made): boolean {
  return meta.get(nameOf(made)) !== null;
}

function nameOf({ relay, group }: Made): string {
  return `made here ${group.toHex()} ${relay}`;
}
