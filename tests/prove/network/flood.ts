/**
 * Row 9 (attackers C1 and C2): floods of first packets and slow peers cost the relay bounded memory, and nobody else anything.
 * @module
 */
import { parseRelayAddress } from "../../../net/address.ts";
import { checkLedgers, complaints } from "../checker.ts";
import { Follower } from "../follower.ts";
import { Ledger, readLedgers } from "../ledger.ts";
import { LineSender } from "../line_sender.ts";
import { Folder, must, person, qight } from "../processes.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { Attack } from "./attack.ts";
import { NewClients, percentile, quicConnectMs, recoveryMs, rssMb } from "./bystanders.ts";

/** A round is a second of attacks. */
export const flood: Row = {
  name: "flood",
  property:
    "first packets at up to 10,000/s, stalled handshakes, idle connections, slow frames and slow TCP harm no established session",
  rounds: { ci: 20, night: 300 },
  run: prove,
};

/** One kind of attack and its share of the time. */
interface Phase {
  readonly name: string;
  readonly share: number;
  readonly attackers: readonly (readonly [script: string, ...args: (string | number)[]])[];
}

/** `ADDRESS` stands for the relay's. */
const ADDRESS = "ADDRESS";
const PHASES: readonly Phase[] = [
  // Of 10,000 packets a second the kernel drops most before the relay sees them; the slower flood fills every place it has.
  { name: "10000 initials", share: 0.3, attackers: [["flood_process", ADDRESS, 10_000, 64]] },
  { name: "2000 initials", share: 0.3, attackers: [["flood_process", ADDRESS, 2_000, 64]] },
  {
    name: "stalled and idle",
    share: 0.15,
    attackers: [["flood_process", ADDRESS, 0, 500], ["slow_process", "idle", ADDRESS, 1000]],
  },
  { name: "slow frames", share: 0.1, attackers: [["slow_process", "frames", ADDRESS, 500]] },
  { name: "slow tcp", share: 0.15, attackers: [["slow_process", "tcp", ADDRESS, 300]] },
];

const MEMORY_MB = 300, RECOVERY_MS = 10_000, GOOD_CONNECT_MS = 1_000;
/**
 * Packets of established sessions wait in the same UDP buffer as the flood. Where the relay gets too little of the processor to
 * empty it, a client may take its session for lost after 12 s (net/quic.ts) and is back over WebSocket within a second or two.
 */
const SILENCE_MS = 15_000;
const LINES_PER_SECOND = 20, LINES_IN_FLIGHT = 64, WARM_UP_CONNECTS = 30, SAMPLE_MS = 100;

async function prove(size: Size): Promise<Finding> {
  using folder = new Folder();
  const ledgers = folder.inside("ledgers");
  await using relay = new RelayProcess(folder.inside("post"), {}, size.relayEntry);
  await relay.start();
  const address = parseRelayAddress(relay.address);
  using sent = new Ledger(`${ledgers}/sender`);
  using shown = new Ledger(`${ledgers}/reader`);
  const [anna, bert] = ["sender", "reader"].map((who) => person(folder.inside(who), relay.address));
  const to = await must(qight("key", "gen", "--no-passphrase"), { env: bert });
  await must(qight("key", "gen", "--no-passphrase"), { env: anna });
  const follower = new Follower("reader", qight("fetch", "--follow", "--json"), bert, shown);
  const load = { window: LINES_IN_FLIGHT, perSecond: LINES_PER_SECOND, to: "reader" };
  const sender = new LineSender("sender", qight("send", "--sealed", to, "--lines", "--json"), anna, sent, load);
  await sender.progress();
  for (let n = 0; n < WARM_UP_CONNECTS; n++) await quicConnectMs(address, GOOD_CONNECT_MS);

  const broken: string[] = [];
  const counts: Record<string, number | string> = {};
  const idleMb = rssMb(relay.pid);
  const established = watch(relay.pid, () => sender.acknowledged);
  // When the row itself breaks down, nobody writes into a ledger that is closed.
  await using _ended = {
    [Symbol.asyncDispose]: async () =>
      void await Promise.all([sender.finish(0), follower.finish(), established.stop()]),
  };
  for (const phase of PHASES) {
    const attackers: Attack[] = [];
    await using opened = new AsyncDisposableStack();
    for (const [script, ...args] of phase.attackers) {
      const attack = await Attack.prepare(script, ...args.map((arg) => arg === ADDRESS ? relay.address : arg));
      attackers.push(opened.use(attack));
    }
    const newClients = new NewClients(address);
    for (const attack of attackers) await attack.begin();
    await after(phase.share * size.rounds * 1000);
    const counted = await Promise.all(attackers.map((attack) => attack.end()));
    const recovered = await recoveryMs(address, GOOD_CONNECT_MS, RECOVERY_MS);
    const { anyMs, quicMs, websocket, failures } = await newClients.stop();
    if (recovered === Infinity) broken.push(`${phase.name}: QUIC did not come back within ${RECOVERY_MS} ms`);
    if (failures.length > 0) broken.push(`${phase.name}: ${failures.length} got no connection (${failures[0]})`);
    const key = phase.name.replaceAll(" ", "_").replace(/^(\d+)_(.*)$/, "$2_$1");
    counts[key] = counted.join("+");
    counts[`${key}_connects`] = `${anyMs.length}(ws:${websocket})`;
    counts[`${key}_mb`] = Math.round(established.peakMb() - idleMb);
    counts[`${key}_p99_ms`] = Math.round(percentile(anyMs, 0.99));
    counts[`${key}_quic_p99_ms`] = Math.round(percentile(quicMs, 0.99));
    counts[`${key}_recovery_ms`] = Math.round(recovered);
  }

  const { peakMb, longestSilenceMs } = established.stop();
  if (peakMb - idleMb >= MEMORY_MB) broken.push(`memory grew by ${Math.round(peakMb - idleMb)} MB`);
  if (longestSilenceMs >= SILENCE_MS) broken.push(`an established sender got no answer for ${longestSilenceMs} ms`);
  broken.push(...await sender.finish(60_000));
  while (follower.shown < sender.acknowledged && follower.quietMs < 30_000) await after(50);
  broken.push(...await follower.finish());
  if (await relay.stop() !== 0) broken.push("the relay did not end with 0 after SIGTERM");
  const verdict = checkLedgers(readLedgers(ledgers));
  return {
    counts: {
      acknowledged: verdict.acknowledged,
      longest_silence_ms: longestSilenceMs,
      idle_mb: Math.round(idleMb),
      peak_mb: Math.round(peakMb),
      ...counts,
    },
    complaints: [...broken, ...complaints(verdict)],
  };
}

/** Watches memory, and how long an established sender waits for its next acknowledgement. */
function watch(pid: number, acknowledged: () => number) {
  let peakMb = 0, highestMb = 0, longest = 0, last = acknowledged(), since = performance.now();
  const timer = setInterval(() => {
    peakMb = Math.max(peakMb, rssMb(pid));
    longest = Math.max(longest, performance.now() - since);
    if (acknowledged() === last) return;
    last = acknowledged();
    since = performance.now();
  }, SAMPLE_MS);
  return {
    /** The most memory since the last time this was asked, MB. */
    peakMb() {
      const peak = peakMb;
      highestMb = Math.max(highestMb, peak);
      peakMb = 0;
      return peak;
    },
    stop() {
      clearInterval(timer);
      return { peakMb: Math.max(highestMb, peakMb), longestSilenceMs: Math.round(longest) };
    },
  };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
