/**
 * Which accounts lost their last leaf in a group and are to be brought back (homeless.ts): as the store keeps it.
 * @module
 */
import type { Tables } from "../storage/store.ts";
import type { GroupRoom } from "./room.ts";

/** A seat is kept for so long. */
const KEPT_MS = 7 * 24 * 3600_000;

/** Notes that these accounts (hashes) are to be brought back after their last leaf has gone. */
export async function keepSeats(room: GroupRoom, group: Uint8Array, accounts: readonly Uint8Array[]): Promise<void> {
  if (accounts.length === 0) return;
  const untilMs = room.clock.now() + KEPT_MS;
  await room.store.write((tables) => {
    const kept = seatsKept(tables, room.relay, group).filter(({ account }) =>
      !accounts.some((one) => one.toHex() === account)
    );
    write(tables, room.relay, group, [...kept, ...accounts.map((one) => ({ account: one.toHex(), untilMs }))]);
  });
}

/** Inside a transaction: whether somebody waits for a seat in a group. */
export function waitsForSeats(tables: Pick<Tables, "meta">, relay: string, group: Uint8Array): boolean {
  return seatsKept(tables, relay, group).length > 0;
}

/** Inside a transaction: an account (hash) has come in, or waits no more; should it be removed again, that stands. */
export function dropSeat(
  tables: Pick<Tables, "meta">,
  { relay, group }: { readonly relay: string; readonly group: Uint8Array },
  account: Uint8Array,
): void {
  const kept = seatsKept(tables, relay, group);
  const left = kept.filter((one) => one.account !== account.toHex());
  if (left.length < kept.length) write(tables, relay, group, left);
}

/** An account that waits for its seat. */
export interface KeptSeat {
  readonly account: string; // hex
  /** Milliseconds since 1970. */
  readonly untilMs: number;
}

/** Inside a transaction: who waits for a seat in a group. */
export function seatsKept({ meta }: Pick<Tables, "meta">, relay: string, group: Uint8Array): KeptSeat[] {
  const kept = meta.get(nameOf(relay, group));
  return kept ? JSON.parse(new TextDecoder().decode(kept)) : [];
}

function write({ meta }: Pick<Tables, "meta">, relay: string, group: Uint8Array, kept: readonly KeptSeat[]): void {
  if (kept.length === 0) meta.removeAll(nameOf(relay, group));
  else meta.put(nameOf(relay, group), new TextEncoder().encode(JSON.stringify(kept)));
}

function nameOf(relay: string, group: Uint8Array): string {
  return `seats_kept:${group.toHex()}:${relay}`;
}
