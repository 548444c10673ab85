/**
 * `deno task curve [--rates 250,500,…] [--seconds 3]`: time until the acknowledgement against load, qight beside its peers;
 * one JSON object a line, which plot.ts draws.
 * @module
 */
import { parseArgs } from "node:util";
import { Folder } from "../tests/prove/processes.ts";
import { RelayProcess } from "../tests/prove/relay_process.ts";
import { print, rounded } from "./figure.ts";
import { load } from "./load/spawn.ts";
import type { Paced } from "./open_loop.ts";
import { peers, RunningPeer } from "./peers/servers.ts";

const SENDERS = 4;
const RATES = "250,500,1000,2000,3000,4000,5000,6000,8000,12000,16000";
/** A system that answers less than this share of what was due, or this late at p99, has met its limit. */
const ENOUGH = 0.9, LATE_MS = 1000;

/** Measures one system at one rate. */
type Measure = (perSecond: number) => Promise<Paced>;

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rates: { type: "string", default: RATES }, seconds: { type: "string", default: "3" } },
  });
  const rates = values.rates.split(",").map(Number);
  const seconds = Number(values.seconds);
  using folder = new Folder();
  const pool = Math.max(...rates) * (seconds + 2);
  const { bytes } = await load<{ bytes: number }>("prepare", folder.path, SENDERS, pool);
  await climb("qight", "ack after sync, QUIC, signature verified", rates, async (perSecond) => {
    using own = new Folder();
    await using relay = new RelayProcess(own.path);
    await relay.start();
    return await load<Paced>("paced", relay.address, folder.path, SENDERS, perSecond, seconds);
  });
  for (const peer of peers) {
    await using running = await RunningPeer.start(peer);
    if (running) {
      await climb(peer.name, peer.promise, rates, (perSecond) => running.load("open", bytes, perSecond, seconds));
    } else print({ figure: "ack_latency", system: peer.name, value: null, unit: "ms", skipped: "not installed" });
  }
}

async function climb(system: string, promise: string, rates: readonly number[], measure: Measure): Promise<void> {
  for (const rate of rates) {
    const { offered, achieved, p50, p99 } = await measure(rate);
    const loads = { offered_per_s: offered, achieved_per_s: rounded(achieved) };
    print({
      figure: "ack_latency",
      system,
      value: rounded(p99),
      unit: "ms",
      percentile: 99,
      p50: rounded(p50),
      ...loads,
      promise,
    });
    if (achieved < offered * ENOUGH || p99 > LATE_MS) return;
  }
}
