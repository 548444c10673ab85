/**
 * The generic cell rate algorithm: one number per key says when its bucket is empty again.
 * @module
 */

/** A rate: `perPeriod` in `periodMs` (0 = no limit), and how many may come at once (at least 1). */
export interface Rate {
  readonly perPeriod: number;
  readonly periodMs: number;
  readonly burst: number;
}

/** Rate limiter over many keys. */
export interface Gcra {
  /**
   * Takes `count` (>= 1) for a key: 0 = taken, else milliseconds to wait and nothing was taken.
   * More than a whole burst is taken only by a key that has rested, which then owes the rest.
   */
  take(key: string, count: number): number;
  /** What `take` would answer, without taking. */
  wait(key: string, count: number): number;
  update(rate: Rate): void;
  /** Keys remembered now. */
  readonly size: number;
}

/** Makes a limiter; `now` must never run backwards. Beyond `maxKeys` the key unused for longest is forgotten. */
export function createGcra(options: Rate & { now: () => number; maxKeys?: number }): Gcra {
  const { now, maxKeys = 65_536 } = options;
  // ATM Forum TM 4.1 §4.4.3: the theoretical arrival time of each key's next cell. Map order = order of use.
  const arrival = new Map<string, number>();
  let rate: Rate = options;

  return {
    take(key, count) {
      if (rate.perPeriod <= 0) return 0;
      const time = now();
      const { wait, next } = look(key, count, time);
      if (wait > 0) return wait;
      arrival.delete(key);
      arrival.set(key, next);
      forget(time);
      return 0;
    },
    wait: (key, count) => rate.perPeriod <= 0 ? 0 : Math.max(0, look(key, count, now()).wait),
    update(next) {
      rate = next;
    },
    get size() {
      return arrival.size;
    },
  };

  function look(key: string, count: number, time: number): { wait: number; next: number } {
    const interval = rate.periodMs / rate.perPeriod;
    const capacity = Math.max(1, rate.burst) * interval;
    const start = Math.max(arrival.get(key) ?? 0, time);
    const cost = count * interval;
    // In this order a key that has rested gives exactly 0: in another one rounding alone may tell it to wait.
    return { wait: Math.ceil((start - time) + (Math.min(cost, capacity) - capacity)), next: start + cost };
  }

  // A key whose time has passed is the same as one never seen, so two old ones go for each that comes.
  function forget(time: number): void {
    let looked = 0;
    for (const [key, at] of arrival) {
      if (arrival.size > maxKeys || at <= time) arrival.delete(key);
      if (++looked >= 2) return;
    }
  }
}
