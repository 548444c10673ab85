/**
 * Deadlines of many calls behind few timers: thousands of calls a second would otherwise each pay for a timer of their own.
 * @module
 */
import type { Clock } from "./clock.ts";

interface Waiting {
  readonly atMs: number;
  readonly passed: () => void;
}

/** Calls that wait equally long end in the order they began, so one timer for each length is enough. */
export class Deadlines {
  readonly #clock: Pick<Clock, "monotonic" | "after">;
  readonly #groups = new Map<number, Group>();

  constructor(clock: Pick<Clock, "monotonic" | "after">) {
    this.#clock = clock;
  }

  /** Calls `passed` after `ms` milliseconds unless the returned function is called before. */
  watch(ms: number, passed: () => void): () => void {
    let group = this.#groups.get(ms);
    if (!group) this.#groups.set(ms, group = { waiting: new Set(), cancel: null });
    const entry: Waiting = { atMs: this.#clock.monotonic() + ms, passed };
    group.waiting.add(entry);
    group.cancel ??= this.#clock.after(ms, () => this.#fire(ms, group));
    return () => {
      if (!group.waiting.delete(entry) || group.waiting.size > 0) return;
      group.cancel?.();
      group.cancel = null;
      this.#groups.delete(ms);
    };
  }

  #fire(ms: number, group: Group): void {
    group.cancel = null;
    const nowMs = this.#clock.monotonic();
    for (const entry of group.waiting) {
      // Timers may come a little early.
      if (entry.atMs > nowMs + 1) {
        group.cancel = this.#clock.after(entry.atMs - nowMs, () => this.#fire(ms, group));
        return;
      }
      group.waiting.delete(entry);
      entry.passed();
    }
    this.#groups.delete(ms);
  }
}

interface Group {
  readonly waiting: Set<Waiting>;
  cancel: (() => void) | null;
}
