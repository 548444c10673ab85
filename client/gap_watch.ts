/**
 * Keeps the counters of every sender in the store, and tells what never came.
 *
 * How old a number is goes by our own clock: a relay that dates mail into the future, or whose clock stands still, would
 * else keep every gap to itself.
 * @module
 */
import {
  accountFor,
  formatCounterState,
  type Gap,
  nextGapCheckMs,
  NOTHING_RECEIVED,
  parseCounterState,
  settleGaps,
  settleSurplus,
  settleUntil,
} from "./gaps.ts";
import type { GapEvent } from "./inbox_events.ts";
import type { ClientStore, MetaTable, StreamTable } from "./storage/store.ts";

/** Notes that a lineage of a sender device is known, and whose device it is (account hash, 32 bytes). */
export function noteLineage(streams: StreamTable, sender: Uint8Array, lineage: Uint8Array, account: Uint8Array): void {
  streams.begin(sender, lineage, account, formatCounterState(NOTHING_RECEIVED));
}

/** When a message reached the relay, by our clock, milliseconds: the relay is believed how long ago, never that it will. */
export function arrivedAtMs(nowMs: number, relayNowMs: number, receivedAtMs: number): number {
  return nowMs - Math.max(0, relayNowMs - receivedAtMs);
}

/**
 * Notes numbers that came or are void; those beyond what a number can hold are not believed. Answers the gaps that
 * cannot wait until they are old enough, because there are too many.
 */
export function noteNumbers(
  streams: StreamTable,
  sender: Uint8Array,
  lineage: Uint8Array,
  numbers: readonly bigint[],
  atMs: number,
): Gap[] {
  const known = streams.get(sender, lineage);
  let state = known === null ? NOTHING_RECEIVED : parseCounterState(known);
  for (const number of numbers) {
    if (number <= BigInt(Number.MAX_SAFE_INTEGER)) state = accountFor(state, Number(number), atMs);
  }
  const settled = settleSurplus(state);
  streams.put(sender, lineage, formatCounterState(settled.state));
  return settled.gaps;
}

/**
 * Notes that numbers of the mailbox expired unread: a gap that is told later may be among them. Which sender's they
 * were nobody here knows, for his counters are inside the seals that are gone. Repeated ranges count once.
 */
export function noteExpired(
  meta: MetaTable,
  relayRoot: Uint8Array,
  { first, last }: { readonly first: number; readonly last: number },
): void {
  const upToName = EXPIRED_UP_TO + relayRoot.toHex();
  const upTo = readNumber(meta, upToName);
  if (last <= upTo) return;
  const fresh = last - Math.max(upTo, first - 1);
  writeNumber(meta, EXPIRED_LEFT, Math.min(Number.MAX_SAFE_INTEGER, readNumber(meta, EXPIRED_LEFT) + fresh));
  writeNumber(meta, upToName, last);
}

/** Gaps to tell. */
export interface DueGaps {
  readonly events: readonly GapEvent[];
  /** Call when they are out: until then a reader that dies leaves them to be told again. */
  told(): Promise<void>;
}

/** Gaps that are old enough at `nowMs`. */
export async function lookForGaps(store: ClientStore, nowMs: number): Promise<DueGaps> {
  const events: GapEvent[] = [];
  const ends: { sender: Uint8Array; lineage: Uint8Array; last: number }[] = [];
  const expired = await store.read(({ streams, meta }) => {
    let left = readNumber(meta, EXPIRED_LEFT);
    const before = left;
    for (const { sender, lineage, account: from, state } of streams.open()) {
      const { gaps } = settleGaps(parseCounterState(state), nowMs);
      for (const gap of gaps) {
        const perhapsExpired = Math.min(left, gap.last - gap.first + 1);
        left -= perhapsExpired;
        events.push({ type: "gap", fromDevice: sender, from, ...gap, ...perhapsExpired > 0 ? { perhapsExpired } : {} });
      }
      if (gaps.length > 0) ends.push({ sender, lineage, last: gaps.at(-1)!.last });
    }
    return before - left;
  });
  const told = () =>
    store.write(({ streams, meta }) => {
      for (const { sender, lineage, last } of ends) {
        const state = streams.get(sender, lineage);
        if (state !== null) {
          streams.put(sender, lineage, formatCounterState(settleUntil(parseCounterState(state), last)));
        }
      }
      if (expired > 0) writeNumber(meta, EXPIRED_LEFT, Math.max(0, readNumber(meta, EXPIRED_LEFT) - expired));
    });
  return { events, told };
}

/** When the oldest hole is due, milliseconds since 1970; null without holes. */
export async function nextLookMs(store: ClientStore): Promise<number | null> {
  const open = await store.read(({ streams }) => streams.open());
  if (open.length === 0) return null;
  return Math.min(...open.map(({ state }) => nextGapCheckMs(parseCounterState(state))!));
}

/** How many numbers expired that no gap was told with yet. */
const EXPIRED_LEFT = "expired/left";
/** With a relay's root key in hex: the highest expired number of the mailbox there that was noted. */
const EXPIRED_UP_TO = "expired/up_to/";

function readNumber(meta: MetaTable, name: string): number {
  const bytes = meta.get(name);
  return bytes === null ? 0 : Number(new TextDecoder().decode(bytes));
}

function writeNumber(meta: MetaTable, name: string, value: number): void {
  meta.put(name, new TextEncoder().encode(String(value)));
}
