/** Which conversations a recovered device still tries to come back into. @module */
import type { Tables } from "../storage/store.ts";

/** A group (id in hex) that is tried until then, milliseconds since 1970. */
export interface Waiting {
  readonly group: string;
  readonly untilMs: number;
}

const NAME = "rejoin:";
/** What could not be joined is tried again for so long, each time the mailbox is drained. */
const TRY_FOR_MS = 7 * 24 * 3600_000;

/** Inside a transaction: what waits at a relay, as dialled. */
export function waitingOf({ meta }: Pick<Tables, "meta">, relay: string): Waiting[] {
  const kept = meta.get(NAME + relay);
  return kept ? JSON.parse(new TextDecoder().decode(kept)) : [];
}

/** Inside a transaction: replaces what waits at a relay. */
export function putWaiting({ meta }: Pick<Tables, "meta">, relay: string, waiting: readonly Waiting[]): void {
  if (waiting.length === 0) meta.removeAll(NAME + relay);
  else meta.put(NAME + relay, new TextEncoder().encode(JSON.stringify(waiting)));
}

/** Inside a transaction: these groups (ids) are to be joined, and are tried for a week. */
export function wait(
  tables: Pick<Tables, "meta">,
  relay: string,
  { groups, nowMs }: { readonly groups: readonly Uint8Array[]; readonly nowMs: number },
): void {
  const names = new Set(groups.map((group) => group.toHex()));
  const others = waitingOf(tables, relay).filter(({ group }) => !names.has(group));
  const untilMs = nowMs + TRY_FOR_MS;
  putWaiting(tables, relay, [...others, ...[...names].map((group) => ({ group, untilMs }))]);
}

/** Ids (32 bytes) of the groups that wait. */
export function waitingGroups(tables: Pick<Tables, "meta">, relay: string): Uint8Array[] {
  return waitingOf(tables, relay).map(({ group }) => Uint8Array.fromHex(group));
}
