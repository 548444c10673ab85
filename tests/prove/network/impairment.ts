/**
 * What a bad network does to one datagram: a plain function of chance and time, so that a seed repeats it.
 * @module
 */

/** The ways in which a network is bad; shares are 0 to 1, and both directions suffer alike. */
export interface Impairment {
  /** Share of datagrams that never arrive. */
  readonly loss?: number;
  /** Share of datagrams that arrive with one byte changed. */
  readonly corruption?: number;
  /** At most so many in a row are lost or corrupted, as in the figures of the QUIC interop runner. */
  readonly mostInARow?: number;
  /** Share of datagrams that arrive `reorderMs` after their time. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  /** Share of datagrams that arrive twice. */
  readonly duplication?: number;
  /** Time that every datagram takes each way. */
  readonly delayMs?: number;
  /** The network is there for `upMs` and gone for `downMs`, again and again. */
  readonly blackhole?: { readonly upMs: number; readonly downMs: number };
  /** Largest datagram that passes, bytes with IP and UDP headers. */
  readonly mtu?: number;
  /** Nothing passes at all. */
  readonly blocked?: boolean;
}

/** One arrival of a datagram. */
export interface Arrival {
  readonly datagram: Uint8Array;
  readonly delayMs: number;
}

/** What became of the datagrams so far. */
export interface Toll {
  passed: number;
  lost: number;
  corrupted: number;
  delayed: number;
  duplicated: number;
}

/** Bytes of an IPv4 and a UDP header. */
const HEADERS = 28;

/** Decides about datagrams one after another; `random` gives numbers in [0, 1). */
export function createImpairment(
  impairment: Impairment,
  random: () => number,
): { of(datagram: Uint8Array, nowMs: number): Arrival[]; readonly toll: Toll } {
  const { loss = 0, corruption = 0, mostInARow = Infinity, reorder = 0, reorderMs = 0, duplication = 0, delayMs = 0 } =
    impairment;
  const toll: Toll = { passed: 0, lost: 0, corrupted: 0, delayed: 0, duplicated: 0 };
  let inARow = 0;

  function of(datagram: Uint8Array, nowMs: number): Arrival[] {
    // Drawn in any case: one decision must not shift the chance of all later ones.
    const [fate, late, twice, where] = [random(), random(), random(), random()];
    const spared = inARow >= mostInARow;
    if (gone(datagram, nowMs) || !spared && fate < loss) {
      inARow++;
      toll.lost++;
      return [];
    }
    const corrupt = !spared && fate - loss < corruption;
    inARow = corrupt ? inARow + 1 : 0;
    if (corrupt) toll.corrupted++;
    else toll.passed++;
    const arrived = corrupt ? changed(datagram, Math.floor(where * datagram.length)) : datagram;
    const isLate = late < reorder;
    if (isLate) toll.delayed++;
    const arrival = { datagram: arrived, delayMs: delayMs + (isLate ? reorderMs : 0) };
    if (twice >= duplication) return [arrival];
    toll.duplicated++;
    return [arrival, arrival];
  }

  function gone(datagram: Uint8Array, nowMs: number): boolean {
    const { blocked, mtu, blackhole } = impairment;
    if (blocked || mtu !== undefined && datagram.length + HEADERS > mtu) return true;
    return blackhole !== undefined && nowMs % (blackhole.upMs + blackhole.downMs) >= blackhole.upMs;
  }

  return { of, toll };
}

function changed(datagram: Uint8Array, at: number): Uint8Array {
  const copy = datagram.slice();
  copy[at] ^= 0x55;
  return copy;
}
