/**
 * An open loop: requests begin when they are due, however slow the answers are, and wait from when they were due. A closed
 * loop would slow down with the system it measures and never see its queue (coordinated omission).
 * @module
 */
import { percentile } from "./figure.ts";

/** What a loop saw. */
export interface Paced {
  /** Requests a second that were due. */
  readonly offered: number;
  /** Answers a second. */
  readonly achieved: number;
  /** Milliseconds from when a request was due until its answer. */
  readonly p50: number;
  readonly p99: number;
}

/** Begins `perSecond` requests a second for `seconds`, after `warmupSeconds` that do not count; waits for all answers. */
export async function openLoop(
  next: () => Promise<unknown>,
  { perSecond, seconds, warmupSeconds = 1 }: { perSecond: number; seconds: number; warmupSeconds?: number },
): Promise<Paced> {
  const latencies: number[] = [];
  const under: Promise<void>[] = [];
  const started = performance.now();
  const counts = started + warmupSeconds * 1000;
  const total = Math.floor(perSecond * (warmupSeconds + seconds));
  let lastAnswer = counts;
  await pace(total, perSecond, (index) => {
    const dueAt = started + index * 1000 / perSecond;
    under.push(
      next().then(() => {
        lastAnswer = performance.now();
        if (dueAt >= counts) latencies.push(lastAnswer - dueAt);
      }),
    );
  });
  await Promise.all(under);
  const achieved = latencies.length * 1000 / (lastAnswer - counts);
  return { offered: perSecond, achieved, p50: percentile(latencies, 50), p99: percentile(latencies, 99) };
}

/** Calls `begin` for each of `total` indices when it is due at `perSecond`; resolves when the last has begun. */
export async function pace(total: number, perSecond: number, begin: (index: number) => void): Promise<void> {
  const started = performance.now();
  for (let index = 0; index < total;) {
    const due = Math.min(total, Math.floor((performance.now() - started) * perSecond / 1000));
    for (; index < due; index++) begin(index);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
