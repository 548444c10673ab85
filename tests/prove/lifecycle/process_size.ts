/**
 * How large a process is, sampled over time, and how it grows.
 * @module
 */

/** One look at a process. */
export interface Sample {
  /** Any clock, milliseconds. */
  readonly atMs: number;
  readonly rssMb: number;
  readonly descriptors: number;
}

/** Looks at a process through /proc (Linux). */
export function look(pid: number, atMs: number): Sample {
  const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))!;
  const descriptors = [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  return { atMs, rssMb: Number(kb) / 1024, descriptors };
}

/** MB per 10 minutes: a straight line and how far it may be wrong (its standard error). */
export interface Growth {
  readonly slope: number;
  readonly error: number;
}

/** Stretches of time whose lowest memory is compared. */
const STRETCHES = 8;

/**
 * Growth of memory by the lowest value of each of eight stretches: what a garbage collector has not taken yet is no
 * growth. How evenly it collects shows in the error.
 */
export function growth(samples: readonly Sample[]): Growth {
  const beginMs = samples[0].atMs, spanMs = samples[samples.length - 1].atMs - beginMs + 1;
  const lowest = new Map<number, Sample>();
  for (const sample of samples) {
    const stretch = Math.floor((sample.atMs - beginMs) * STRETCHES / spanMs);
    if (sample.rssMb < (lowest.get(stretch)?.rssMb ?? Infinity)) lowest.set(stretch, sample);
  }
  const points = [...lowest.values()];
  if (points.length < 3) return { slope: 0, error: Infinity };
  const mean = (of: (sample: Sample) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const meanAt = mean(({ atMs }) => atMs), meanRss = mean(({ rssMb }) => rssMb);
  const spread = points.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0);
  const perMs = points.reduce((sum, { atMs, rssMb }) => sum + (atMs - meanAt) * (rssMb - meanRss), 0) / spread;
  const left = points.reduce((sum, { atMs, rssMb }) => sum + (rssMb - meanRss - perMs * (atMs - meanAt)) ** 2, 0);
  const error = Math.sqrt(left / (points.length - 2) / spread);
  return { slope: perMs * 600_000, error: error * 600_000 };
}

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
