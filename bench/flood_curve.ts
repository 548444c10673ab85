/**
 * `deno run -A --unstable-net bench/flood_curve.ts [--rates 0,250,…] [--seconds 10] [--table]`: what a flood of first packets
 * does to new clients and to the relay's memory. Each rate has a relay of its own; not part of `deno task bench`.
 * @module
 */
import { parseArgs } from "node:util";
import { parseRelayAddress } from "../net/address.ts";
import { Attack } from "../tests/prove/network/attack.ts";
import { NewClients, quicConnectMs, recoveryMs, rssMb } from "../tests/prove/network/bystanders.ts";
import { Folder } from "../tests/prove/processes.ts";
import { RelayProcess } from "../tests/prove/relay_process.ts";
import { cpuSeconds } from "./claims/watched.ts";
import { percentile, print, rounded } from "./figure.ts";

const RATES = "0,250,500,750,1000,1500,2500,5000,10000";
/** UDP ports that the flood comes from: for the relay's memory they are as good as addresses. */
const SOURCES = 64;
const WARM_UP = 30, SAMPLE_MS = 100, GOOD_MS = 1_000, RECOVERY_MS = 30_000;

interface Point {
  readonly asked: number;
  /** Packets a second that really went out. */
  readonly sent: number;
  readonly anyP50: number;
  readonly anyP99: number;
  /** Null when the slowest one percent gave up. */
  readonly quicP99: number | null;
  readonly connects: number;
  readonly websocket: number;
  /** New clients that got no connection at all. */
  readonly failed: number;
  readonly rssOverIdle: number;
  readonly relayCpu: number;
  readonly recovery: number | null;
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rates: { type: "string", default: RATES },
      seconds: { type: "string", default: "10" },
      table: { type: "boolean", default: false },
    },
  });
  const points: Point[] = [];
  for (const rate of values.rates.split(",").map(Number)) {
    const point = await measure(rate, Number(values.seconds));
    points.push(point);
    const shared = { initials_per_s: point.sent, seconds: Number(values.seconds) };
    print({ figure: "flood_connect_p50_ms", value: point.anyP50, unit: "ms", ...shared });
    print({
      figure: "flood_connect_p99_ms",
      value: point.anyP99,
      unit: "ms",
      connects: point.connects,
      over_websocket: point.websocket,
      failed: point.failed,
      ...shared,
    });
    print({ figure: "flood_quic_connect_p99_ms", value: point.quicP99, unit: "ms", ...shared });
    print({ figure: "flood_rss_over_idle_mb", value: point.rssOverIdle, unit: "MB", ...shared });
    print({ figure: "flood_relay_cpu_cores", value: point.relayCpu, unit: "cores", ...shared });
    print({ figure: "flood_recovery_ms", value: point.recovery, unit: "ms", ...shared });
  }
  if (values.table) console.log(table(points));
}

async function measure(rate: number, seconds: number): Promise<Point> {
  using folder = new Folder();
  await using relay = new RelayProcess(folder.path);
  await relay.start();
  const address = parseRelayAddress(relay.address);
  for (let n = 0; n < WARM_UP; n++) await quicConnectMs(address, GOOD_MS);
  const idleMb = rssMb(relay.pid);
  // Without a rate the attacker would stall one handshake for each source; nobody attacks at all then.
  await using attack = rate > 0 ? await Attack.prepare("flood_process", relay.address, rate, SOURCES) : null;
  const newClients = new NewClients(address);
  let peakMb = 0;
  const sampler = setInterval(() => peakMb = Math.max(peakMb, rssMb(relay.pid)), SAMPLE_MS);
  const cpuBefore = cpuSeconds(relay.pid);
  await attack?.begin();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const cpu = cpuSeconds(relay.pid) - cpuBefore;
  const sent = await attack?.end() ?? 0;
  const recovery = await recoveryMs(address, GOOD_MS, RECOVERY_MS);
  clearInterval(sampler);
  const { anyMs, quicMs, websocket, failures } = await newClients.stop();
  const quicP99 = percentile(quicMs, 99);
  return {
    asked: rate,
    sent: Math.round(sent / seconds),
    anyP50: rounded(percentile(anyMs, 50)),
    anyP99: rounded(percentile(anyMs, 99)),
    quicP99: Number.isFinite(quicP99) ? rounded(quicP99) : null,
    connects: anyMs.length,
    websocket,
    failed: failures.length,
    rssOverIdle: Math.round(peakMb - idleMb),
    relayCpu: rounded(cpu / seconds),
    recovery: Number.isFinite(recovery) ? rounded(recovery) : null,
  };
}

/** The points as a table in Markdown, for docs/operations/public-relay.md. */
function table(points: readonly Point[]): string {
  const head =
    "| First packets a second | New clients p50, p99 | of them over WebSocket, failed | QUIC alone p99 | Memory over idle | Back after |";
  const rows = points.map((point) => {
    const share = `${point.websocket} of ${point.connects}, ${point.failed}`;
    const quic = point.quicP99 === null ? "over 10 s" : `${point.quicP99} ms`;
    const back = point.recovery === null ? "over 30 s" : `${point.recovery} ms`;
    return `| ${point.sent} | ${point.anyP50} ms, ${point.anyP99} ms | ${share} | ${quic} | ${point.rssOverIdle} MB | ${back} |`;
  });
  return [head, "|---|---|---|---|---|---|", ...rows].join("\n");
}
