/**
 * A real `send --lines` and a real `fetch --follow --json` across a bad network, judged by the ledger.
 * @module
 */
import { checkLedgers, complaints } from "../checker.ts";
import { Follower } from "../follower.ts";
import { Ledger, readLedgers } from "../ledger.ts";
import { LineSender } from "../line_sender.ts";
import { type Folder, must, person, qight } from "../processes.ts";

/** What is to be carried, and what happens meanwhile. */
export interface Transfer {
  /** Where the ledgers and the two people's folders go: a name of its own for each transfer. */
  readonly name: string;
  readonly lines: number;
  readonly lineBytes: number;
  /** Lines a second at most; as many as go unless given. */
  readonly perSecond?: number;
  /** Runs from the first line that was shown on; lines go on until it has ended. */
  readonly meanwhile?: () => Promise<void>;
}

/** How it went. */
export interface Carried {
  readonly complaints: readonly string[];
  readonly acknowledged: number;
  /** Bytes of the texts that were shown. */
  readonly bytes: number;
  /** From the start of the commands to the first acknowledged line. */
  readonly firstMs: number;
}

/** A transfer that makes no progress for this long has failed. */
const STUCK_MS = 60_000;
/** Lines that may wait for their acknowledgement. */
const LINES_IN_FLIGHT = 16;

/** Carries the lines and compares what arrived with what was sent, byte for byte and in order. */
export async function carry(folder: Folder, address: string, transfer: Transfer): Promise<Carried> {
  const { name, lines, lineBytes, perSecond = Infinity } = transfer;
  const ledgers = folder.inside(`${name}-ledgers`);
  const [anna, bert] = ["sender", "reader"].map((who) => person(folder.inside(`${name}-${who}`), address));
  using sent = new Ledger(`${ledgers}/sender`);
  using shown = new Ledger(`${ledgers}/reader`);
  const to = await must(qight("key", "gen", "--no-passphrase"), { env: bert });
  await must(qight("key", "gen", "--no-passphrase"), { env: anna });
  const follower = new Follower(`${name}-reader`, qight("fetch", "--follow", "--json"), bert, shown);
  const began = performance.now();
  const load = { window: LINES_IN_FLIGHT, perSecond, lineBytes, to: `${name}-reader` };
  const sender = new LineSender(`${name}-sender`, qight("send", "--sealed", to, "--lines", "--json"), anna, sent, load);
  const stuck: string[] = [];
  const advance = async (reached: () => boolean) => {
    while (!reached() && sender.running) {
      const timeout = Promise.withResolvers<"stuck">();
      const timer = setTimeout(() => timeout.resolve("stuck"), STUCK_MS);
      const outcome = await Promise.race([sender.progress(), timeout.promise]);
      clearTimeout(timer);
      if (outcome === "stuck") return void stuck.push(`${name}: nothing was acknowledged for ${STUCK_MS} ms`);
    }
  };
  await advance(() => sender.acknowledged > 0);
  const firstMs = performance.now() - began;
  // Now both are connected for good; before that each may have looked around with a session of its own.
  while (follower.shown === 0 && follower.quietMs < STUCK_MS) await after(20);
  let over = false;
  const meanwhile = Promise.resolve(transfer.meanwhile?.()).finally(() => over = true);
  await advance(() => sender.acknowledged >= lines && over);
  await meanwhile;
  const ended = await sender.finish(STUCK_MS);
  while (follower.shown < sender.acknowledged && follower.quietMs < STUCK_MS) await after(50);
  ended.push(...await follower.finish());
  const entries = readLedgers(ledgers);
  return {
    complaints: [...stuck, ...ended, ...complaints(checkLedgers(entries)).map((clause) => `${name}: ${clause}`)],
    acknowledged: sender.acknowledged,
    bytes: entries.reduce((sum, { kind, text }) => kind === "shown" ? sum + text.length : sum, 0),
    firstMs,
  };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
