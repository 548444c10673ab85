/** Time that tests turn, and randomness that repeats. @module */
import type { Clock, Random } from "../../client/clock.ts";

interface Timer {
  atMs: number;
  run: () => void;
}

/** A clock that stands still until it is moved. */
export class TestClock implements Clock {
  #nowMs: number;
  #timers = new Set<Timer>();

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  readonly now = () => Math.floor(this.#nowMs);
  readonly monotonic = () => this.#nowMs;

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time and fires what is due, in order. */
  advance(ms: number): void {
    const target = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= target).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
    }
    this.#nowMs = target;
  }

  /** Lets time run, `stepMs` for each turn of the event loop, until the promise settles. */
  async runUntil<T>(promise: Promise<T>, stepMs = 1): Promise<T> {
    let settled = false;
    const watched = promise.finally(() => settled = true);
    watched.catch(() => {});
    while (!settled) {
      await new Promise((resolve) => setTimeout(resolve, 0)); // I/O and microtasks run; nothing waits for real time
      this.advance(stepMs);
    }
    return await watched;
  }
}

/** Bytes that count up from a seed: the same in every run, different in every call. */
export function countingRandom(seed = 1): Random {
  let state = seed >>> 0;
  // In whole numbers (period 2^32): as floats the product would lose its low bits and run into a short circle.
  return (length) => Uint8Array.from({ length }, () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 24);
}
