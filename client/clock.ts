/**
 * Time as the client sees it, handed in so that tests can turn it.
 * @module
 */

/** Wall clock, monotonic clock and timers; all in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970; may jump. */
  now(): number;
  /** Milliseconds since some start; never jumps. */
  monotonic(): number;
  /** Runs once after `ms` milliseconds; the returned function cancels. */
  after(ms: number, run: () => void): () => void;
}

/** Clocks of relay and client may differ by this much, milliseconds (docs/protocol.md, Envelope v1, Time). */
export const CLOCK_TOLERANCE_MS = 10 * 60_000;

/** Fills a new array of `length` bytes with randomness. */
export type Random = (length: number) => Uint8Array;

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Randomness of this machine. */
export const systemRandom: Random = (length) => crypto.getRandomValues(new Uint8Array(length));

/** Waits `ms` milliseconds; ends early, without an error, when the signal aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener("abort", done);
  });
}

// Longer timers overflow a signed 32-bit integer and fire at once.
const MAX_TIMER_MS = 2 ** 31 - 1;
