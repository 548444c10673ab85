/**
 * A closed loop: so many requests in flight, a new one as soon as one is answered.
 * @module
 */
import process from "node:process";

/** What a loop counted. */
export interface Counted {
  /** Answers in the measured time. */
  readonly answered: number;
  /** Answers in all, warm-up included. */
  readonly total: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly cpuSeconds: number;
}

/** Where a loop gets its requests; null when there are no more. */
export type NextRequest = () => (() => Promise<void>) | null;

/** A relay runs for months: what the first second spends on compiling says nothing about it (measured: 30 µs a send). */
const WARM_UP_SECONDS = 1.5;

/** Runs `inFlight` requests at a time for `seconds` after `warmupSeconds`; waits for the last answers. */
export async function closedLoop(
  next: NextRequest,
  options: { inFlight: number; seconds: number; warmupSeconds?: number },
): Promise<Counted> {
  const begin = performance.now() + (options.warmupSeconds ?? WARM_UP_SECONDS) * 1000;
  const end = begin + options.seconds * 1000;
  let answered = 0, total = 0, ranOutAt = Infinity;
  const worker = async () => {
    while (performance.now() < end) {
      const request = next();
      if (!request) {
        ranOutAt = Math.min(ranOutAt, performance.now());
        return;
      }
      await request();
      total++;
      const now = performance.now();
      if (now >= begin && now < end) answered++;
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, worker));
  const seconds = (Math.min(end, ranOutAt) - begin) / 1000;
  const { user, system } = process.cpuUsage();
  return { answered, total, seconds, perSecond: answered / seconds, cpuSeconds: (user + system) / 1e6 };
}
