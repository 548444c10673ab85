/**
 * How large a process and its write-ahead log are, sampled over time, and how they grow.
 * @module
 */

/** One look at a relay. */
export interface Sample {
  readonly atMs: number;
  readonly rssMb: number;
  readonly descriptors: number;
  readonly walMb: number;
}

/** Looks at a process through /proc (Linux), and at the log beside its database. */
export function look(pid: number, database: string, atMs: number): Sample {
  const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))!;
  const descriptors = [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  return { atMs, rssMb: Number(kb) / 1024, descriptors, walMb: Deno.statSync(`${database}-wal`).size / 1024 ** 2 };
}

/**
 * Growth of memory in MB per 10 minutes: a line through the lowest value of each stretch of `stretchMs`, because what
 * a garbage collector has not taken yet is no growth.
 */
export function rssSlope(samples: readonly Sample[], stretchMs: number): number {
  const lowest = new Map<number, Sample>();
  for (const sample of samples) {
    const stretch = Math.floor((sample.atMs - samples[0].atMs) / stretchMs);
    const known = lowest.get(stretch);
    if (!known || sample.rssMb < known.rssMb) lowest.set(stretch, sample);
  }
  const points = [...lowest.values()];
  const mean = (of: (sample: Sample) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanAt, meanRss] = [mean(({ atMs }) => atMs), mean(({ rssMb }) => rssMb)];
  const spread = points.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0);
  const rise = points.reduce((sum, { atMs, rssMb }) => sum + (atMs - meanAt) * (rssMb - meanRss), 0);
  return spread === 0 ? 0 : rise / spread * 600_000;
}

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
