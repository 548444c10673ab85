/**
 * How often somebody may try a password: some tries at once, then one after a wait that doubles. In bounded memory.
 * @module
 */

/** Tries before the first wait. */
export const FREE_TRIES = 10;
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 3600_000;
/** After so long without a try all are free again. */
const FORGET_MS = 24 * 3600_000;

/** Tries by key. */
export interface LoginTries {
  /** Counts a try: 0 = go, else milliseconds to wait and nothing was counted. */
  take(key: string): number;
  /** What `take` would answer. */
  wait(key: string): number;
  /** The tries of a key count no more: one of them was right. */
  reset(key: string): void;
  /** Keys remembered now. */
  readonly size: number;
}

interface Tries {
  readonly count: number;
  readonly lastMs: number;
  readonly nextMs: number;
}

/** `now` must never run backwards. Beyond `maxKeys` the key unused for longest is forgotten. */
export function createLoginTries({ now, maxKeys = 65_536 }: { now: () => number; maxKeys?: number }): LoginTries {
  const tries = new Map<string, Tries>(); // order of the map = order of use

  const fresh = (key: string) => {
    const found = tries.get(key);
    return found && now() - found.lastMs < FORGET_MS ? found : null;
  };
  const wait = (key: string) => Math.max(0, Math.ceil((fresh(key)?.nextMs ?? 0) - now()));

  return {
    wait,
    take(key) {
      const waitMs = wait(key);
      if (waitMs > 0) return waitMs;
      const count = (fresh(key)?.count ?? 0) + 1;
      const doublings = Math.min(count - FREE_TRIES, 20);
      const pauseMs = doublings < 0 ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** doublings);
      tries.delete(key);
      tries.set(key, { count, lastMs: now(), nextMs: now() + pauseMs });
      forget();
      return 0;
    },
    reset: (key) => void tries.delete(key),
    get size() {
      return tries.size;
    },
  };

  // Two old ones go for each that comes.
  function forget(): void {
    let looked = 0;
    for (const [key, { lastMs }] of tries) {
      if (tries.size > maxKeys || now() - lastMs >= FORGET_MS) tries.delete(key);
      if (++looked >= 2) return;
    }
  }
}
