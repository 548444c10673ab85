/**
 * Feeds damaged inputs to a decoder and watches what comes out, how long it takes and what stays in memory.
 * @module
 */
import { type ErrorCode, QightError } from "../../proto/errors.ts";
import { type Chance, createChance } from "./seeded.ts";

/** A single input may take this long, in milliseconds (the machine may be busy; the usual time is microseconds). */
const SLOWEST_MS = 100;
/** What may stay on the heap after all inputs, bytes. */
const MOST_HEAP = 50 << 20;

/** Something that reads bytes of strangers. */
export interface Decoder {
  /** What is decoded, for example "envelopes". */
  readonly what: string;
  /** The typed errors that may come out. */
  readonly codes: readonly ErrorCode[];
  /** Decodes one damaged sample; `chance` says which. */
  decode(chance: Chance): unknown;
}

/** What a run found; input `n` of a seed is `createChance(seed + n)`. */
export interface Fuzzed {
  /** How often it ended in a value, and in each typed error. */
  readonly ended: ReadonlyMap<ErrorCode | "value", number>;
  /** Milliseconds of the slowest input. */
  readonly slowestMs: number;
  /** Bytes by which the heap grew after warm-up. */
  readonly heapGrowth: number;
}

/** Runs `inputs` damaged samples. Throws what the decoder throws beyond its typed errors, with the input's number. */
export async function fuzz({ what, codes, decode }: Decoder, seed: number, inputs: number): Promise<Fuzzed> {
  const ended = new Map<ErrorCode | "value", number>();
  // Per quarter, the lowest reading: what a collection leaves behind, not the garbage above it. The first quarter warms
  // up (compiled code, the test runner's own records); after it nothing may pile up.
  const heap = [Infinity, Infinity, Infinity, Infinity];
  let slowestMs = 0;
  for (let n = 0; n < inputs; n++) {
    const once = async () => {
      const began = performance.now();
      try {
        const value = decode(createChance(seed + n));
        if (value instanceof Promise) await value;
        return { end: "value" as const, took: performance.now() - began };
      } catch (thrown) {
        const typed = thrown instanceof QightError && codes.includes(thrown.code);
        if (typed) return { end: thrown.code, took: performance.now() - began };
        throw new Error(`input ${n} of seed ${seed} broke the decoder of ${what}: ${thrown}`, { cause: thrown });
      }
    };
    let { end, took } = await once();
    // A busy machine stretches single runs; an input is slow only when it is slow each time.
    for (let again = 0; took >= SLOWEST_MS && again < 5; again++) took = Math.min(took, (await once()).took);
    slowestMs = Math.max(slowestMs, took);
    ended.set(end, (ended.get(end) ?? 0) + 1);
    const quarter = Math.floor(n * 4 / inputs);
    if (n % 16 === 0) heap[quarter] = Math.min(heap[quarter], Deno.memoryUsage().heapUsed);
  }
  return { ended, slowestMs, heapGrowth: Math.max(0, heap[3] - heap[1]) };
}

/** What is wrong with a run, in words; empty when nothing is. */
export function faults({ what }: Decoder, { ended, slowestMs, heapGrowth }: Fuzzed): string[] {
  const summary = JSON.stringify(Object.fromEntries(ended));
  const found: string[] = [];
  if (slowestMs >= SLOWEST_MS) found.push(`${what}: the slowest input took ${Math.round(slowestMs)} ms: ${summary}`);
  if (heapGrowth >= MOST_HEAP) found.push(`${what}: the heap grew by ${heapGrowth} bytes`);
  if (![...ended.keys()].some((end) => end !== "value")) found.push(`${what}: no input was refused: ${summary}`);
  return found;
}
