/**
 * Every ack follows a finished sync of the log, seen from outside by strace (docs/proof.md).
 * @module
 */
import { Ledger, readLedgers } from "./ledger.ts";
import { LineSender } from "./line_sender.ts";
import { Folder, must, person, qight } from "./processes.ts";
import { RelayProcess } from "./relay_process.ts";
import type { Finding, Row, Size } from "./row.ts";
import { Attached, missingStrace } from "./strace.ts";
import { type Acknowledged, checkSyncs, readTrace } from "./sync_trace.ts";

/** Delay that strace adds to every sync, so that an ack that did not wait for it stands out. */
const DELAY_MS = 50;

/** One message in flight, every sync delayed by 50 ms. */
export const syncBeforeAck: Row = {
  name: "sync-before-ack",
  property: "every ack takes at least the sync's injected 50 ms and follows the end of a sync of its last write",
  rounds: { ci: 1000, night: 1000 },
  beside: "always",
  run: prove,
};

async function prove(size: Size): Promise<Finding> {
  const absent = await missingStrace();
  if (absent !== null) return { counts: {}, complaints: [], skipped: absent };
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"), {}, size.relayEntry);
  await relay.start();
  const env = person(folder.inside("person"), relay.address);
  const id = await must(qight("key", "gen", "--no-passphrase"), { env });

  const log = `${folder.path}/strace.log`;
  const strace = await Attached.to(
    relay.pid,
    ...["-ttt", "-T", "-y", "-s", "0", "-o", log],
    ...["-e", "trace=fsync,fdatasync,pwrite64", "-e", `inject=fsync,fdatasync:delay_enter=${DELAY_MS * 1000}`],
  );
  const ledgers = folder.inside("ledgers");
  using ledger = new Ledger(`${ledgers}/sender`);
  const sender = new LineSender("sender", qight("send", "--sealed", id, "--lines"), env, ledger, {
    window: 1,
    perSecond: 1000,
  });
  const deadline = performance.now() + size.rounds * 1000;
  while (sender.acknowledged < size.rounds && sender.running && performance.now() < deadline) await sender.progress();
  const broken = await sender.finish(10_000);
  if (sender.acknowledged < size.rounds) broken.push(`only ${sender.acknowledged} of ${size.rounds} acks came in time`);
  const exit = await relay.stop();
  if (exit !== 0) broken.push(`the relay ended with ${exit} after SIGTERM`);
  await strace.ended();

  const verdict = checkSyncs(
    readTrace(Deno.readTextFileSync(log)),
    acksOf(ledgers),
    `${relay.dataDir}/relay.db-wal`,
    DELAY_MS,
  );
  return {
    counts: {
      acks: verdict.acknowledged,
      syncs: verdict.syncs,
      fastest_ack_ms: verdict.fastestAckMs.toFixed(1),
      fastest_sync_ms: verdict.fastestSyncMs.toFixed(1),
      broken: verdict.complaints.length,
    },
    complaints: [...broken, ...verdict.complaints],
  };
}

function acksOf(ledgers: string): Acknowledged[] {
  const sent = new Map<string, number>();
  const acks: Acknowledged[] = [];
  for (const { kind, text, at } of readLedgers(ledgers)) {
    if (kind === "intent") sent.set(text, at!);
    if (kind === "ack") acks.push({ text, sentMs: sent.get(text)!, ackMs: at! });
  }
  return acks;
}
