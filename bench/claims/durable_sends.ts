/**
 * Claim: so many durable sends a second, one stream per send, signature verified, acknowledged after the sync.
 * @module
 */
import type { Counted } from "../closed_loop.ts";
import { type Figure, medianFigure } from "../figure.ts";
import { load, selfCheck } from "../load/spawn.ts";
import { type Bench, repeated, withRelay } from "./claim.ts";
import { cpuSeconds, Syncs } from "./watched.ts";

interface Sent extends Counted {
  readonly forged: string;
}

interface Drained {
  readonly rows: number;
  readonly distinct: number;
  readonly deleted: number;
  readonly perSecond: number;
}

const shapes = [
  { figure: "durable_sends_per_s_1", connections: 1, inFlight: 1 },
  { figure: "durable_sends_per_s_32", connections: 1, inFlight: 32 },
  { figure: "durable_sends_per_s_128", connections: 4, inFlight: 128 },
];

/** The three durable figures; every run is drained and its rows compared with its acks. */
export async function* durableSends(bench: Bench): AsyncIterable<Figure> {
  for (const { figure, connections, inFlight } of shapes) {
    const runs = await repeated(bench.runs, () => measure(bench, connections, inFlight, bench.seconds));
    const syncs = await countSyncs(bench, connections, inFlight);
    yield medianFigure(figure, "1/s", runs.map((run) => run.perSecond), {
      bytes: bench.bytes,
      relay_cpu_us_per_send: Math.round(runs.at(-1)!.relayCpuUs),
      load_cpu_us_per_send: Math.round(runs.at(-1)!.loadCpuUs),
      checked: { rows_equal_acks: true, forged: "bad_signature", syncs },
    });
  }
}

async function measure(bench: Bench, connections: number, inFlight: number, seconds: number) {
  return await withRelay(async (relay) => {
    const before = cpuSeconds(relay.pid);
    const sent = await load<Sent>("sends", relay.address, bench.folder, connections, inFlight, seconds);
    const relayCpu = cpuSeconds(relay.pid) - before;
    selfCheck(sent.forged === "bad_signature", `a forged envelope in the stream was ${sent.forged}`);
    const drained = await load<Drained>("drain", relay.address, bench.folder);
    const rows = `${drained.rows} rows (${drained.distinct} distinct, ${drained.deleted} deleted), ${sent.total} acks`;
    selfCheck(drained.rows === sent.total && drained.distinct === sent.total && drained.deleted === sent.total, rows);
    return {
      perSecond: sent.perSecond,
      relayCpuUs: relayCpu * 1e6 / sent.total,
      loadCpuUs: sent.cpuSeconds * 1e6 / sent.total,
    };
  });
}

/** A short run beside the measured ones, since counting slows the relay down: syncs seen by strace, per ack. */
async function countSyncs(bench: Bench, connections: number, inFlight: number): Promise<unknown> {
  return await withRelay(async (relay) => {
    const syncs = await Syncs.of(relay.pid, bench.folder);
    if (!syncs) return "not counted: strace is not installed";
    const sent = await load<Sent>("sends", relay.address, bench.folder, connections, inFlight, 1);
    await relay.stop();
    const counted = await syncs.counted(`${relay.dataDir}/relay.db-wal`);
    selfCheck(
      counted > 0 && counted * inFlight >= sent.total,
      `${counted} syncs for ${sent.total} acks, ${inFlight} in flight`,
    );
    return { acks: sent.total, syncs: counted };
  });
}
