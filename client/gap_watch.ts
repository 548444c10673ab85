/**
 * Keeps the counters of every sender in the store, and tells what never came.
 * @module
 */
import {
  accountFor,
  formatCounterState,
  nextGapCheckMs,
  NOTHING_RECEIVED,
  parseCounterState,
  settleGaps,
} from "./gaps.ts";
import type { InboxEvent } from "./inbox_events.ts";
import type { ClientStore, StreamTable } from "./storage/store.ts";

/** Notes that a lineage of a sender device is known. */
export function noteLineage(streams: StreamTable, sender: Uint8Array, lineage: Uint8Array): void {
  if (streams.get(sender, lineage) === null) streams.put(sender, lineage, formatCounterState(NOTHING_RECEIVED));
}

/** Notes numbers that came or are void; those beyond what a number can hold are not believed. */
export function noteNumbers(
  streams: StreamTable,
  sender: Uint8Array,
  lineage: Uint8Array,
  numbers: readonly bigint[],
  receivedAtMs: number,
): void {
  const known = streams.get(sender, lineage);
  let state = known === null ? NOTHING_RECEIVED : parseCounterState(known);
  for (const number of numbers) {
    if (number <= BigInt(Number.MAX_SAFE_INTEGER)) state = accountFor(state, Number(number), receivedAtMs);
  }
  streams.put(sender, lineage, formatCounterState(state));
}

/** Gaps that are old enough at `relayNowMs`, each told once; `accounts` names accounts of devices, as hex. */
export async function lookForGaps(
  store: ClientStore,
  relayNowMs: number,
  accounts: ReadonlyMap<string, Uint8Array>,
): Promise<InboxEvent[]> {
  const nextMs = await nextLookMs(store);
  if (nextMs === null || nextMs > relayNowMs) return [];
  const events: InboxEvent[] = [];
  await store.write(({ streams }) => {
    for (const { sender, lineage, state } of streams.open()) {
      const settled = settleGaps(parseCounterState(state), relayNowMs);
      if (settled.gaps.length === 0) continue;
      streams.put(sender, lineage, formatCounterState(settled.state));
      const from = accounts.get(sender.toHex()) ?? null;
      for (const gap of settled.gaps) events.push({ type: "gap", fromDevice: sender, from, ...gap });
    }
  });
  return events;
}

/** When the oldest hole is due, by the relay's clock in milliseconds; null without holes. */
export async function nextLookMs(store: ClientStore): Promise<number | null> {
  const open = await store.read(({ streams }) => streams.open());
  if (open.length === 0) return null;
  return Math.min(...open.map(({ state }) => nextGapCheckMs(parseCounterState(state))!));
}
