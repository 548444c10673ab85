/**
 * `deno run -A --unstable-net bench/where.ts [--messages N]`: where a relay's processor time of one durable send goes, by
 * perf(1), which samples what runs and not what waits.
 * @module
 */
import { parseArgs } from "node:util";
import { QightError } from "../proto/errors.ts";

import { end, Folder, works } from "../tests/prove/processes.ts";
import { RelayProcess } from "../tests/prove/relay_process.ts";
import { cpuSeconds } from "./claims/watched.ts";
import type { Counted } from "./closed_loop.ts";
import { print, rounded } from "./figure.ts";
import { load } from "./load/spawn.ts";
import { jobShares } from "./samples.ts";

const SENDERS = 4, IN_FLIGHT = 128, SECONDS = 10;
/** V8 writes the names and places of its code where perf looks for them. */
const NAMED = ["bash", "-c", 'exec "$0" run --v8-flags=--perf-basic-prof,--interpreted-frames-native-stack "${@:2}"'];

if (import.meta.main) await main();

async function main(): Promise<void> {
  if (!await works("perf", "--version")) throw new QightError("no_input", "perf(1) is not installed");
  const { values } = parseArgs({ options: { messages: { type: "string", default: "60000" } } });
  using people = new Folder();
  await load("prepare", people.path, SENDERS, Number(values.messages));
  await tell("one stream a send", people.path, "sends", SENDERS, IN_FLIGHT, SECONDS);
  await tell("pipelined", people.path, "pipelined", 1, Number(values.messages));
}

/** One relay under one load, recorded from outside. */
async function tell(way: string, people: string, name: string, ...args: number[]): Promise<void> {
  using folder = new Folder();
  await using relay = new RelayProcess(folder.path);
  await relay.start(NAMED);
  const recording = `${folder.path}/perf.data`;
  const perf = new Deno.Command("perf", {
    args: ["record", "-q", "-e", "cpu-clock", "-F", "1999", "-p", String(relay.pid), "-o", recording],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const before = cpuSeconds(relay.pid);
  const sent = await load<Counted & { accepted?: number }>(name, relay.address, people, ...args);
  const used = cpuSeconds(relay.pid) - before;
  end(perf, "SIGINT");
  await perf.status;
  const names = `/tmp/perf-${relay.pid}.map`;
  const shares = await jobShares(recording);
  await relay.stop();
  Deno.removeSync(names);
  const each = used * 1e6 / (sent.accepted ?? sent.total);
  print({ figure: "relay_cpu_us_per_send", value: rounded(each), unit: "us", way });
  for (const [job, share] of shares) {
    print({ figure: "relay_cpu_us_of", value: rounded(each * share), unit: "us", job, share: rounded(share), way });
  }
}
