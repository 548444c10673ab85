/**
 * The relay is killed again and again under load: nothing acknowledged is lost, nothing is shown twice.
 * @module
 */
import { checkLedgers, complaints, tally } from "./checker.ts";
import { Follower } from "./follower.ts";
import { integrityOfCopy } from "./integrity.ts";
import { Ledger, readLedgers } from "./ledger.ts";
import { LineSender, type Load } from "./line_sender.ts";
import { Folder, must, person, qight, script } from "./processes.ts";
import { seeded } from "./random.ts";
import { READY_MS, RelayProcess } from "./relay_process.ts";
import type { Finding, Row, Size } from "./row.ts";

/** docs/proof.md: four senders, two readers, kills at random times of 50 to 1500 ms. */
export const relayKilled: Row = {
  name: "relay-killed",
  property: "kill -9 of the relay at random times under load loses, doubles, alters and reorders nothing",
  rounds: { ci: 20, night: 200 },
  beside: "night",
  run: (size) => prove(size, { kind: commands, senders: 4, readers: 2, load: { window: 64, perSecond: 150 } }),
};

/** The same under the heaviest use of `send --lines`: as many lines in flight as it takes. */
export const relayKilledUnderLines: Row = {
  name: "lines-killed",
  property: "a relay killed ten times under `send --lines` from three senders loses and doubles nothing",
  rounds: { ci: 10, night: 20 },
  run: (size) => prove(size, { kind: commands, senders: 3, readers: 1, load: { window: 400, perSecond: 500 } }),
};

/** The wire alone, at the rate of one message in flight a sender, where only the relay itself could lose or double. */
export const relayKilledUnderWire: Row = {
  name: "wire-killed",
  property: "a relay killed under bare RelayClient senders and watchers stores each acknowledged message exactly once",
  rounds: { ci: 10, night: 40 },
  run: (size) => prove(size, { kind: wire, senders: 4, readers: 2, load: { window: 64, perSecond: 300 } }),
};

/** One process of the crowd, before it starts. */
interface Member {
  readonly name: string;
  readonly env: Record<string, string>;
  readonly ledger: Ledger;
}

interface Reader {
  /** What a sender needs to reach it. */
  readonly address: string;
  readonly follower: Follower;
}

/** How members of the crowd read and send. */
interface Kind {
  reader(member: Member): Promise<Reader>;
  sender(member: Member, to: string, load: Load): Promise<LineSender>;
}

/** As a user would: `fetch --follow --json` and `send --lines`. */
const commands: Kind = {
  async reader({ name, env, ledger }) {
    const address = await must(qight("key", "gen", "--no-passphrase"), { env });
    return {
      address,
      follower: new Follower(name, qight("fetch", "--follow", "--json", "--timeout", TIMEOUT), env, ledger),
    };
  },
  async sender({ name, env, ledger }, to, load) {
    await must(qight("key", "gen", "--no-passphrase"), { env });
    return new LineSender(
      name,
      qight("send", "--sealed", to, "--lines", "--json", "--timeout", TIMEOUT),
      env,
      ledger,
      load,
    );
  },
};

/** Over RelayClient, without command, outbox and inbox. */
const wire: Kind = {
  async reader({ name, env, ledger }) {
    const follower = new Follower(name, script("tests/prove/wire_reader.ts", env.QIGHT_RELAY), env, ledger);
    return { address: await follower.firstWord(), follower };
  },
  sender({ name, env, ledger }, to, load) {
    const args = script("tests/prove/wire_sender.ts", env.QIGHT_RELAY, to);
    return Promise.resolve(new LineSender(name, args, env, ledger, load));
  },
};

/**
 * Silence after which a client takes its session for lost: a killed relay says no goodbye over UDP. It is also how long a
 * sender goes on trying, so it must be longer than a relay may take to be ready again (READY_MS).
 */
const TIMEOUT = "4s";
/** Within this time every sender must be at work again after a kill. */
const LOAD_WITHIN_MS = 40_000;
/** How long the readers may take for what is left when the last sender has ended. */
const DRAIN_QUIET_MS = 45_000;
/** And when the relay itself holds nothing any more: what is on its way to a ledger arrives within this. */
const EMPTY_QUIET_MS = 3_000;

async function prove(
  size: Size,
  crowd: { kind: Kind; senders: number; readers: number; load: Load },
): Promise<Finding> {
  const random = seeded(size.seed);
  using folder = new Folder();
  const ledgers = folder.inside("ledgers");
  await using relay = new RelayProcess(folder.inside("post"), {}, size.relayEntry);
  const broken: string[] = [];
  let slowest = await relay.start();

  using opened = new DisposableStack();
  const member = (name: string) => ({
    name,
    env: person(folder.inside(name), relay.address),
    ledger: opened.use(new Ledger(`${ledgers}/${name}`)),
  });
  const readers: Reader[] = [];
  for (let index = 1; index <= crowd.readers; index++) readers.push(await crowd.kind.reader(member(`reader-${index}`)));
  const senders: LineSender[] = [];
  for (let index = 1; index <= crowd.senders; index++) {
    const { address, follower } = readers[index % readers.length];
    const load = { ...crowd.load, to: follower.name };
    senders.push(await crowd.kind.sender(member(`sender-${index}`), address, load));
  }
  for (let round = 0; round < size.rounds; round++) {
    if (!await underLoad(senders)) broken.push(`round ${round}: a sender got no ack for ${LOAD_WITHIN_MS} ms`);
    await after(50 + random() * 1450);
    await relay.kill();
    for (const word of integrityOfCopy(`${relay.dataDir}/relay.db`)) {
      broken.push(`round ${round}: ${word}`);
    }
    const ready = await relay.start();
    slowest = Math.max(slowest, ready);
    if (ready >= READY_MS) broken.push(`round ${round}: ready after ${Math.round(ready)} ms`);
  }

  const ended = await Promise.all(senders.map((sender) => sender.finish(60_000)));
  broken.push(...ended.flat());
  const accepted = senders.reduce((sum, sender) => sum + sender.acknowledged, 0);
  const shown = () => readers.reduce((sum, { follower }) => sum + follower.shown, 0);
  const quiet = (ms: number) => readers.every(({ follower }) => follower.quietMs >= ms);
  while (shown() < accepted && !quiet(await relay.holds() === 0 ? EMPTY_QUIET_MS : DRAIN_QUIET_MS)) await after(100);
  // A double would come right behind the last one.
  await after(500);
  broken.push(...(await Promise.all(readers.map(({ follower }) => follower.finish()))).flat());
  const exit = await relay.stop();
  if (exit !== 0) broken.push(`the relay ended with ${exit} after SIGTERM`);
  broken.push(...integrityOfCopy(`${relay.dataDir}/relay.db`));

  const verdict = checkLedgers(readLedgers(ledgers));
  return {
    counts: {
      kills: size.rounds,
      senders: crowd.senders,
      readers: crowd.readers,
      intents: verdict.intents,
      acknowledged: verdict.acknowledged,
      shown: verdict.shown,
      taken: verdict.taken,
      ...tally(verdict),
      slowest_ready_ms: Math.round(slowest),
    },
    complaints: [...broken, ...complaints(verdict)],
  };
}

/** Waits until every sender has got an ack since now: a kill before that would strike a relay at rest. */
async function underLoad(senders: readonly LineSender[]): Promise<boolean> {
  const before = senders.map((sender) => sender.acknowledged);
  const deadline = performance.now() + LOAD_WITHIN_MS;
  while (senders.some((sender, index) => sender.running && sender.acknowledged === before[index])) {
    if (performance.now() > deadline) return false;
    await after(10);
  }
  return true;
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
