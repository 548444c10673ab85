/**
 * The relay works for a long time at an even pace and stays as it is: memory, descriptors, log.
 * @module
 */
import { complaints } from "../checker.ts";
import { type Entry, readLedgers } from "../ledger.ts";
import type { Finding, Row, Size } from "../row.ts";
import { after, countsOf, Crowd, until } from "./crowd.ts";
import { look, percentile, rssSlope, type Sample } from "./process_size.ts";

/** Rounds are seconds. */
export const soak: Row = {
  name: "soak",
  property:
    "at 200 messages a second for a long time memory, descriptors and log of the relay stay flat, nothing is lost",
  rounds: { ci: 45, night: 1800 },
  run: prove,
};

const PER_SECOND = 200;
const WAL_MB = 64;
const SLOPE_MB = 1;
/**
 * In less than ten minutes V8 still sizes its heap and a slope says nothing, so a short run is held against a bound that
 * only a leak of whole messages or streams would cross: a stream nobody closes pins about 1 MB (docs/decisions/0001-deno-quic.md 5).
 */
const SHORT_S = 600;
const SHORT_RSS_MB = 400;
/** A few sockets or files more than at the end of the warm-up are chance; one for each message or second is a leak. */
const MORE_DESCRIPTORS = 4;

async function prove(size: Size): Promise<Finding> {
  await using crowd = await Crowd.start();
  const { relay } = crowd;
  const reader = await crowd.member("reader");
  const writers = [await crowd.member("writer-1"), await crowd.member("writer-2")];
  const follower = crowd.follow(reader);
  const load = { window: 256, perSecond: PER_SECOND / writers.length };
  const lines = writers.map((writer) => crowd.lines(writer, reader.id, load));
  const broken: string[] = [];
  const samples: Sample[] = [];
  const started = performance.now();
  const elapsedS = () => (performance.now() - started) / 1000;
  while (elapsedS() < size.rounds && lines.every(({ running }) => running)) {
    await after(1000);
    samples.push(look(relay.pid, `${relay.dataDir}/relay.db`, performance.now()));
  }
  broken.push(...(await Promise.all(lines.map((sender) => sender.finish(60_000)))).flat());
  const sent = lines.reduce((sum, sender) => sum + sender.acknowledged, 0);
  await until(() => follower.shown >= sent, 45_000);
  broken.push(...await follower.finish());
  const exit = await relay.stop();
  if (exit !== 0) broken.push(`the relay ended with ${exit}`);

  const warm = samples.slice(Math.floor(samples.length / 6));
  const slope = rssSlope(warm, 60_000);
  const most = (of: (sample: Sample) => number, list: readonly Sample[]) => Math.max(...list.map(of));
  const rss = most(({ rssMb }) => rssMb, samples);
  const wal = most(({ walMb }) => walMb, samples);
  const quarter = Math.ceil(warm.length / 4);
  const early = most(({ descriptors }) => descriptors, warm.slice(0, quarter));
  const late = most(({ descriptors }) => descriptors, warm.slice(-quarter));
  if (late > early + MORE_DESCRIPTORS) broken.push(`descriptors rose from ${early} to ${late}`);
  if (wal >= WAL_MB) broken.push(`the write-ahead log had ${wal.toFixed(1)} MB`);
  if (size.rounds < SHORT_S) {
    if (rss >= SHORT_RSS_MB) broken.push(`the relay had ${rss.toFixed(0)} MB`);
  } else if (slope >= SLOPE_MB) broken.push(`memory grew by ${slope.toFixed(2)} MB in 10 minutes`);

  const verdict = crowd.verdict();
  // The first sixth is the start of the programs, for latency as for memory.
  const warmAt = performance.timeOrigin + warm[0].atMs;
  const entries = readLedgers(crowd.inside("ledgers"));
  return {
    counts: {
      seconds: Math.round(elapsedS()),
      ...countsOf(verdict),
      ack_p99_ms: round(percentile(timesTo("ack", entries, warmAt), 0.99)),
      shown_p99_ms: round(percentile(timesTo("shown", entries, warmAt), 0.99)),
      rss_max_mb: round(rss),
      rss_slope_mb_per_10_min: size.rounds < SHORT_S ? "too short" : round(slope),
      descriptors: `${early} to ${late}`,
      wal_max_mb: round(wal),
    },
    complaints: [...broken, ...complaints(verdict)],
  };
}

/** Milliseconds from the intent, not before `since`, to the ack or the showing of each message. */
function timesTo(kind: "ack" | "shown", entries: readonly Entry[], since: number): number[] {
  const meantAt = new Map<string, number>();
  for (const { kind, text, at } of entries) if (kind === "intent" && at! >= since) meantAt.set(text, at!);
  return entries.filter((entry) => entry.kind === kind && meantAt.has(entry.text))
    .map(({ text, at }) => at! - meantAt.get(text)!);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
