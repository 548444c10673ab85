/** Looks again and again at work that somebody else does. @module */
import { pause, systemClock } from "../client/clock.ts";

/** Time between two looks, milliseconds. */
export const LOOK_EVERY_MS = 500;

/** Waits for the work and calls `look` meanwhile. A look that fails ends the looking, never the work. */
export async function watching<T>(work: Promise<T>, look: () => Promise<void>, clock = systemClock): Promise<T> {
  const over = new AbortController();
  const looking = (async () => {
    for (;;) {
      await pause(clock, LOOK_EVERY_MS, over.signal);
      if (over.signal.aborted) return;
      await look();
    }
  })();
  // What the work itself ends with says more than why nobody could look at it.
  const looked = looking.then(() => undefined, (thrown) => thrown);
  try {
    return await work;
  } finally {
    over.abort();
    await looked;
  }
}
