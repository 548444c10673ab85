/**
 * Row R2: a malicious relay stands around the real one, and the reader names each gap and shows nothing twice.
 * @module
 */
import { Folder, must, person, qight } from "../processes.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { MaliciousProcess } from "./malicious_process.ts";
import { compareNotes } from "./notes.ts";
import type { Orders } from "./misdeeds.ts";

/** Drops 1 in 20, duplicates 1 in 10, shuffles, replays what it kept from before, and lies about every time. */
export const maliciousRelay: Row = {
  name: "malicious-relay",
  property:
    "a reader behind a relay that drops, duplicates, shuffles and replays names each gap and shows nothing twice",
  rounds: { ci: 3, night: 20 },
  run: prove,
};

const SENDERS = ["ada", "bob"];
const LINES = 150;
const HOUR_MS = 3600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

async function prove(size: Size): Promise<Finding> {
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"));
  await relay.start();
  await using malicious = await MaliciousProcess.start(relay, size.seed);
  const reader = person(folder.inside("reader"), malicious.address);
  const to = await must(qight("key", "gen", "--no-passphrase"), { env: reader });
  const senders = await Promise.all(SENDERS.map(async (name) => {
    const env = person(folder.inside(name), malicious.address);
    await must(qight("key", "gen", "--no-passphrase"), { env });
    const { device } = JSON.parse(await must(qight("whoami", "--json"), { env }));
    return { name, env, device: device as string, ids: [] as string[] };
  }));
  const sent = new Map<string, string>();
  const told: string[] = [];

  const send = (count: number) =>
    Promise.all(senders.map(async ({ name, env, ids }) => {
      const texts = Array.from({ length: count }, () => `${name}-${crypto.randomUUID()}`);
      const printed = await must(qight("send", "--sealed", to, "--lines"), { env, stdin: texts.join("\n") + "\n" });
      const fresh = printed.split("\n");
      fresh.forEach((id, at) => sent.set(id, texts[at]));
      ids.push(...fresh);
    }));
  const read = async (orders: Orders, aheadMs = 0, ...how: string[]) => {
    await malicious.order(orders);
    const said = await must(ahead(folder.path, aheadMs, "fetch", "--json", "--events", ...how), { env: reader });
    told.push(...said.split("\n").filter((line) => line !== ""));
    await malicious.order({});
  };

  // With such dates no gap would ever be old enough, and what was shown would be forgotten in ten minutes.
  const lies = { frozenAtMs: Date.now(), receivedAheadMs: 50 * YEAR_MS, maxTtlS: 1 };
  for (let round = 0; round < size.rounds; round++) {
    await send(LINES);
    await read(lies, 0, ...(round % 2 === 1 ? ["--follow", "--idle", "1s"] : []));
  }
  // A cut tail shows with the next message only: one more from each, and an hour in which the missing could have come.
  await malicious.order({ honest: true });
  await send(1);
  await read(lies);
  await read(lies, HOUR_MS);
  // A day later all that was ever shown comes again, from a relay that keeps mail for ninety days.
  await read({ frozenAtMs: null, aheadMs: 25 * HOUR_MS, maxTtlS: 90 * 24 * 3600, replay: 1 }, 25 * HOUR_MS);

  return compareNotes({ senders, sent, misdeeds: malicious.misdeeds, told });
}

/** The command line of qight on a machine whose clock is ahead. */
function ahead(folder: string, aheadMs: number, ...args: string[]): string[] {
  if (aheadMs === 0) return qight(...args);
  const path = `${folder}/ahead-${aheadMs}.js`;
  Deno.writeTextFileSync(path, `const real = Date.now; Date.now = () => real() + ${aheadMs};`);
  const [run, ...rest] = qight(...args);
  return [run, "--preload", path, ...rest];
}
