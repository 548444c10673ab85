/**
 * `deno task bench [--only CLAIM]... [--save]`: measures every claim about speed and size; one JSON object a line.
 * `--save` keeps them in bench/history under the commit that was measured.
 * @module
 */
import { parseArgs } from "node:util";
import { asQightError } from "../proto/errors.ts";
import { Folder } from "../tests/prove/processes.ts";
import { accounts } from "./claims/accounts.ts";
import type { Bench, Claim } from "./claims/claim.ts";
import { cliStart } from "./claims/cli_start.ts";
import { connections } from "./claims/connections.ts";
import { conversations } from "./claims/conversations.ts";
import { durableSends } from "./claims/durable_sends.ts";
import { historyMove } from "./claims/history_move.ts";
import { lines } from "./claims/lines.ts";
import { peerFigures } from "./claims/peers.ts";
import { pipelinedSends } from "./claims/pipelined_sends.ts";
import { push } from "./claims/push.ts";
import { sealing } from "./claims/sealing.ts";
import { type Figure, print } from "./figure.ts";
import { keep } from "./history.ts";
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
  conversations,
  history: (bench) => historyMove(bench),
  accounts: (bench) => accounts(bench),
};

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { only: { type: "string", multiple: true }, save: { type: "boolean", default: false } },
  });
  const figures: Figure[] = [];
  const tell = (figure: Figure) => {
    figures.push(figure);
    print(figure);
  };
  const started = performance.now();
  using folder = new Folder();
  const { bytes } = await load<{ bytes: number }>("prepare", folder.path, SENDERS, POOL);
  const bench: Bench = { folder: folder.path, bytes, pool: POOL, senders: SENDERS, runs: RUNS, seconds: SECONDS };
  let failed = 0;
  for (const [name, claim] of Object.entries(claims)) {
    if (values.only && !values.only.includes(name)) continue;
    try {
      for await (const figure of claim(bench)) tell(figure);
    } catch (thrown) {
      failed++;
      tell({ figure: name, value: null, unit: "", failed: asQightError(thrown).message });
    }
  }
  tell({ figure: "bench_seconds", value: Math.round((performance.now() - started) / 1000), unit: "s", failed });
  if (values.save) console.error(`kept in ${keep(figures)}`);
  return failed === 0 ? 0 : 1;
}
