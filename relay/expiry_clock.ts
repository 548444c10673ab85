/**
 * Time as expiry sees it: a clock that leaps ahead deletes nothing before it has stayed there for an hour.
 *
 * What a wrong clock lets expire is gone for good, what expires an hour late is still there to be read. A leap back needs
 * no such care, and everything else (dates of envelopes, certificates) follows the clock at once.
 * @module
 */

/** How far the clock may run ahead of the time that passed and still be believed at once (docs/protocol.md, Time). */
const TOLERANCE_MS = 10 * 60 * 1000;
/** How long a leap ahead must last until things expire by it: NTP or an operator has corrected a mistake by then. */
const HOLD_MS = 60 * 60 * 1000;
/** A relay that was last at work longer ago than this is not sure at its start that the clock is right. */
const AWAY_MS = 24 * 60 * 60 * 1000;

/** What an expiry clock is made of; all times in milliseconds. */
export interface ExpiryClockOptions {
  /** Wall clock since 1970; may leap. */
  readonly now: () => number;
  /** Since some start; never leaps. */
  readonly monotonic: () => number;
  /** When the relay was last at work, by its clock then; null when it is new. */
  readonly lastAtWorkMs: number | null;
  /** Told once for each leap ahead, with its length. */
  readonly onLeap?: (leapMs: number) => void;
}

/** Makes the clock; its time is the wall clock's, or behind it while a leap ahead is in doubt. */
export function createExpiryClock({ now, monotonic, lastAtWorkMs, onLeap }: ExpiryClockOptions): () => number {
  const aheadAtStart = lastAtWorkMs !== null && now() - lastAtWorkMs > AWAY_MS;
  let trusted = (aheadAtStart ? lastAtWorkMs : now()) - monotonic();
  let leap: { offset: number; sinceMs: number } | null = null;

  return () => {
    const passed = monotonic();
    const offset = now() - passed;
    if (offset <= trusted + TOLERANCE_MS) {
      trusted = offset;
      leap = null;
    } else if (leap === null || Math.abs(offset - leap.offset) > TOLERANCE_MS) {
      leap = { offset, sinceMs: passed };
      onLeap?.(offset - trusted);
    } else if (passed - leap.sinceMs >= HOLD_MS) {
      trusted = offset;
      leap = null;
    }
    return passed + trusted;
  };
}
