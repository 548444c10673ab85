/**
 * `deno run -A --unstable-net bench/scale.ts [--sizes 1000,100000,1000000]`: cost per message beside what is stored.
 * @module
 */
import { parseArgs } from "node:util";
import { Folder } from "../tests/prove/processes.ts";
import { RelayProcess } from "../tests/prove/relay_process.ts";
import { cpuSeconds } from "./claims/watched.ts";
import type { Counted } from "./closed_loop.ts";
import { median, print, rounded } from "./figure.ts";
import { load } from "./load/spawn.ts";

const SENDERS = 4, POOL = 30_000, RUNS = 3, SECONDS = 2;
/** One mailbox for ten stored messages, so mailboxes grow with messages; 100,000 at most. */
const MESSAGES_PER_MAILBOX = 10, MOST_MAILBOXES = 100_000;

if (import.meta.main) await main();

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { sizes: { type: "string", default: "1000,100000,1000000" } } });
  using folder = new Folder();
  await load("prepare", folder.path, SENDERS, POOL);
  for (const size of values.sizes.split(",").map(Number)) {
    const runs: Measured[] = [];
    using stored = new Folder();
    await using relay = new RelayProcess(stored.path);
    const mailboxes = Math.min(MOST_MAILBOXES, Math.ceil(size / MESSAGES_PER_MAILBOX));
    await relay.start(); // makes the root key, without which a relay does not take a database for its own
    await relay.stop();
    await load("fill", relay.dataDir, size, mailboxes);
    for (let run = 0; run < RUNS; run++) runs.push(await measure(relay, folder.path, stored, run));
    const of = (what: keyof Measured) => rounded(median(runs.map((run) => run[what])));
    const shared = { stored_messages: size, stored_mailboxes: mailboxes };
    print({ figure: "stored_durable_sends_per_s_128", value: of("sends"), unit: "1/s", ...shared });
    print({ figure: "stored_relay_cpu_us_per_send", value: of("sendCpuUs"), unit: "us", ...shared });
    print({ figure: "stored_fetch_ack_per_s", value: of("fetches"), unit: "1/s", ...shared });
    print({ figure: "stored_ready_ms", value: of("readyMs"), unit: "ms", ...shared });
  }
}

interface Measured {
  readonly sends: number;
  readonly sendCpuUs: number;
  readonly fetches: number;
  readonly readyMs: number;
}

/** Each run on the same filled store with people of its own, so that no envelope is a duplicate. */
async function measure(relay: RelayProcess, people: string, stored: Folder, run: number): Promise<Measured> {
  const readyMs = await relay.start();
  const own = stored.inside(`people-${run}`);
  if (run === 0) {
    for (const file of ["people.json", "pool"]) Deno.copyFileSync(`${people}/${file}`, `${own}/${file}`);
  } else await load("prepare", own, SENDERS, POOL);
  const before = cpuSeconds(relay.pid);
  const sent = await load<Counted>("sends", relay.address, own, SENDERS, 128, SECONDS);
  const sendCpuUs = (cpuSeconds(relay.pid) - before) * 1e6 / sent.total;
  const drained = await load<{ perSecond: number }>("drain", relay.address, own);
  await relay.stop();
  return { sends: sent.perSecond, sendCpuUs, fetches: drained.perSecond, readyMs };
}
