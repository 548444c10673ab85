/**
 * Claim: so many handshakes a second, so much memory idle and per idle connection.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { end, script } from "../../tests/prove/processes.ts";
import { LineReader } from "../../tests/prove/lines.ts";
import type { Counted } from "../closed_loop.ts";
import { type Figure, median, medianFigure } from "../figure.ts";
import { load } from "../load/spawn.ts";
import { type Bench, repeated, withRelay } from "./claim.ts";
import { residentKb } from "./watched.ts";

const IDLE_CONNECTIONS = 2000;
/** Memory is read when it has settled: after this many milliseconds. */
const SETTLE_MS = 1500;

/** A handshake here is QUIC, TLS and HELLO with its proof, from one process. */
export async function* connections(bench: Bench): AsyncIterable<Figure> {
  const rates = await repeated(
    bench.runs,
    () => withRelay((relay) => load<Counted>("handshakes", relay.address, bench.folder, 32, bench.seconds)),
  );
  yield medianFigure("handshakes_per_s", "1/s", rates.map(({ perSecond }) => perSecond), {
    includes: "HELLO and proof",
  });

  const idle = await repeated(bench.runs, () => withRelay((relay) => measureMemory(bench, relay.address, relay.pid)));
  yield medianFigure("rss_idle_mb", "MB", idle.map(({ before }) => before * 1024 / 1e6));
  const perConnection = idle.map(({ before, after }) => (after - before) / IDLE_CONNECTIONS);
  const full = median(idle.map(({ after }) => after * 1024 / 1e6));
  yield medianFigure("rss_per_idle_connection_kb", "KiB", perConnection, {
    connections: IDLE_CONNECTIONS,
    rss_with_them_mb: Math.round(full),
  });
}

async function measureMemory(bench: Bench, address: string, pid: number): Promise<{ before: number; after: number }> {
  await settled();
  const before = residentKb(pid);
  const child = new Deno.Command(Deno.execPath(), {
    args: script("bench/load/idle.ts", address, bench.folder, String(IDLE_CONNECTIONS)),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    const lines = new LineReader(child.stdout);
    if (await lines.next() === null) throw new QightError("internal", "The idle connections were not made");
    await settled();
    const after = residentKb(pid);
    lines.discard();
    await child.stdin.close();
    return { before, after };
  } finally {
    end(child, "SIGTERM");
    await child.status;
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
