/**
 * `deno task bench [--only CLAIM]...`: measures every claim about speed and size; one JSON object a line.
 * @module
 */
import { parseArgs } from "node:util";
import { asQightError } from "../proto/errors.ts";
import { Folder } from "../tests/prove/processes.ts";
import type { Bench, Claim } from "./claims/claim.ts";
import { cliStart } from "./claims/cli_start.ts";
import { connections } from "./claims/connections.ts";
import { durableSends } from "./claims/durable_sends.ts";
import { lines } from "./claims/lines.ts";
import { peerFigures } from "./claims/peers.ts";
import { pipelinedSends } from "./claims/pipelined_sends.ts";
import { push } from "./claims/push.ts";
import { sealing } from "./claims/sealing.ts";
import { print } from "./figure.ts";
import { load } from "./load/spawn.ts";

/** Four connections at most, so four senders; more envelopes than any run can send. */
const SENDERS = 4, POOL = 60_000, RUNS = 3, SECONDS = 3;

/** In the order in which they run. */
const claims: Record<string, Claim> = {
  durable: durableSends,
  peers: (bench) => peerFigures(bench),
  pipelined: pipelinedSends,
  push,
  sealing,
  lines,
  connections,
  cli: cliStart,
};

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { only: { type: "string", multiple: true } } });
  const started = performance.now();
  using folder = new Folder();
  const { bytes } = await load<{ bytes: number }>("prepare", folder.path, SENDERS, POOL);
  const bench: Bench = { folder: folder.path, bytes, pool: POOL, senders: SENDERS, runs: RUNS, seconds: SECONDS };
  let failed = 0;
  for (const [name, claim] of Object.entries(claims)) {
    if (values.only && !values.only.includes(name)) continue;
    try {
      for await (const figure of claim(bench)) print(figure);
    } catch (thrown) {
      failed++;
      print({ figure: name, value: null, unit: "", failed: asQightError(thrown).message });
    }
  }
  print({ figure: "bench_seconds", value: Math.round((performance.now() - started) / 1000), unit: "s", failed });
  return failed === 0 ? 0 : 1;
}
