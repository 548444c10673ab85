/**
 * Relay, reader and sender work for a long time at an even pace and stay as they are: memory, descriptors, log.
 * @module
 */
import { complaints } from "../checker.ts";
import { type Entry, readLedgers } from "../ledger.ts";
import type { Finding, Row, Size } from "../row.ts";
import { after, countsOf, Crowd } from "./crowd.ts";
import { type Growth, growth, look, percentile, type Sample } from "./process_size.ts";
import { Traffic } from "./traffic.ts";

/** Rounds are seconds. */
export const soak: Row = {
  name: "soak",
  property: "at 200 messages a second for a long time memory, descriptors and log stay flat, nothing is lost",
  rounds: { ci: 180, night: 1800 },
  beside: "always",
  run: prove,
};

const PER_SECOND = 200;
const WAL_MB = 64;
const SLOPE_MB = 1;
/**
 * In less than ten minutes V8 still sizes its heap and a slope says nothing, so a short run is held against a bound that
 * only a leak of whole messages or buffers would cross (a stream nobody closes pins 1 MB, a buffer nobody frees 64 KiB).
 */
const SHORT_S = 600;
const SHORT_RSS_MB = 320;
/** A few sockets or files more than at the end of the warm-up are chance; one for each message or second is a leak. */
const MORE_DESCRIPTORS = 4;

async function prove(size: Size): Promise<Finding> {
  await using crowd = await Crowd.start();
  const { relay } = crowd;
  const traffic = await Traffic.through(crowd, { window: 256, perSecond: PER_SECOND / 2 });
  const { lines, follower } = traffic;
  const broken: string[] = [];
  const looks: Record<string, Sample[]> = { relay: [], reader: [], writer: [] };
  let walMb = 0;
  const started = performance.now();
  const elapsedS = () => (performance.now() - started) / 1000;
  while (elapsedS() < size.rounds && lines.every(({ running }) => running)) {
    await after(1000);
    const pids = { relay: relay.pid, reader: follower.pid, writer: lines[0].pid };
    for (const [name, pid] of Object.entries(pids)) looks[name].push(look(pid, performance.now()));
    walMb = Math.max(walMb, Deno.statSync(`${relay.dataDir}/relay.db-wal`).size / 1024 ** 2);
  }
  const seconds = Math.round(elapsedS());
  broken.push(...await traffic.finish());
  const exit = await relay.stop();
  if (exit !== 0) broken.push(`the relay ended with ${exit}`);

  if (walMb >= WAL_MB) broken.push(`the write-ahead log had ${walMb.toFixed(1)} MB`);
  const sizes: Record<string, string> = {};
  for (const [name, samples] of Object.entries(looks)) {
    const { words, wrong } = judge(samples, size.rounds < SHORT_S);
    sizes[name] = words;
    broken.push(...wrong.map((what) => `${name}: ${what}`));
  }
  const verdict = crowd.verdict();
  // The first sixth is the start of the programs, for latency as for memory.
  const warmAt = performance.timeOrigin + warm(looks.relay)[0].atMs;
  const entries = readLedgers(crowd.inside("ledgers"));
  return {
    counts: {
      seconds,
      ...countsOf(verdict),
      ack_p99_ms: Math.round(percentile(timesTo("ack", entries, warmAt), 0.99)),
      shown_p99_ms: Math.round(percentile(timesTo("shown", entries, warmAt), 0.99)),
      wal_max_mb: walMb.toFixed(1),
      ...sizes,
    },
    complaints: [...broken, ...complaints(verdict)],
  };
}

/** Memory and descriptors of one process over the run, in words, and what is wrong with them. */
function judge(samples: readonly Sample[], short: boolean): { words: string; wrong: string[] } {
  const settled = warm(samples);
  const quarter = Math.ceil(settled.length / 4);
  const most = (of: (sample: Sample) => number, list: readonly Sample[]) => Math.max(...list.map(of));
  const early = most(({ descriptors }) => descriptors, settled.slice(0, quarter));
  const late = most(({ descriptors }) => descriptors, settled.slice(-quarter));
  const rss = most(({ rssMb }) => rssMb, samples);
  const { slope, error } = growth(settled);
  const later = growth(settled.slice(Math.floor(settled.length / 2)));
  const wrong: string[] = [];
  if (late > early + MORE_DESCRIPTORS) wrong.push(`descriptors rose from ${early} to ${late}`);
  if (short && rss >= SHORT_RSS_MB) wrong.push(`it had ${rss.toFixed(0)} MB`);
  // Twice the error: growth must be certain to be called so. And in the second half as well: buffers of the network and
  // the allocator reach a high-water mark once and stay there (measured: 264 MB, while the heap after a collection had
  // 22 MB from the first minute to the last), a leak goes on.
  const certain = (found: Growth) => found.slope - 2 * found.error >= SLOPE_MB;
  if (!short && certain({ slope, error }) && certain(later)) {
    wrong.push(`memory grew by ${slope.toFixed(1)} MB in 10 minutes (give or take ${error.toFixed(1)})`);
  }
  const grew = short ? "" : `,${slope.toFixed(1)}+-${error.toFixed(1)}MB/10min`;
  return { words: `${rss.toFixed(0)}MB${grew},${early}-${late}fds`, wrong };
}

function warm(samples: readonly Sample[]): readonly Sample[] {
  return samples.slice(Math.floor(samples.length / 6));
}

/** Milliseconds from the intent, not before `since`, to the ack or the showing of each message. */
function timesTo(kind: "ack" | "shown", entries: readonly Entry[], since: number): number[] {
  const meantAt = new Map<string, number>();
  for (const { kind, text, at } of entries) if (kind === "intent" && at! >= since) meantAt.set(text, at!);
  return entries.filter((entry) => entry.kind === kind && meantAt.has(entry.text))
    .map(({ text, at }) => at! - meantAt.get(text)!);
}
