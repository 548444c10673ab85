/**
 * The sending client is killed between durable write, send and ack: its outbox repeats the same bytes, never new ones.
 * @module
 */
import { checkLedgers, complaints, tally } from "./checker.ts";
import { Ledger, readLedgers } from "./ledger.ts";
import { Folder, must, person, qight, run, type Said } from "./processes.ts";
import { seeded } from "./random.ts";
import { RelayProcess } from "./relay_process.ts";
import type { Finding, Row, Size } from "./row.ts";
import { missingStrace } from "./strace.ts";

/** Kills at random times, and, with strace, at the N-th sync, send and receive of the client. */
export const clientKilled: Row = {
  name: "client-killed",
  property: "a client killed between durable write, send and ack loses and doubles nothing that it promised",
  rounds: { ci: 40, night: 100 },
  run: prove,
};

/** After so many killed repeats of one message the next one is left in peace. */
const MOST_REPEATS = 6;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"), {}, size.relayEntry);
  await relay.start();
  const reader = person(folder.inside("reader"), relay.address);
  const to = await must(qight("key", "gen", "--no-passphrase"), { env: reader });
  const env = person(folder.inside("sender"), relay.address);
  await must(qight("key", "gen", "--no-passphrase"), { env });

  const ledgers = folder.inside("ledgers");
  using ledger = new Ledger(`${ledgers}/sender`);
  const broken: string[] = [];
  const strace = await missingStrace() === null;
  const client = new KilledClient(env, random, strace);
  for (let n = 0; n <= size.rounds; n++) {
    const text = `message-${n}-${crypto.randomUUID()}`;
    const id = crypto.randomUUID().replaceAll("-", "");
    // `--queue` promises with its exit code that a later command delivers; the others promise an accepted message.
    const queued = n < size.rounds && random() < 0.4;
    ledger.add({ kind: "intent", text, sender: "sender", n });
    const args = qight("send", "--sealed", to, text, "--id", id, ...(queued ? ["--queue"] : []));
    const peaceful = n === 0 || n === size.rounds; // the last one also flushes what is still queued
    const said = peaceful ? await client.sendInPeace(args) : await client.sendUntilDone(args);
    if (said.code === 0) ledger.add({ kind: "ack", text, sender: "sender", n, id: said.stdout.trim() });
    else broken.push(`message ${n} (${queued ? "queued" : "sent"}) ended with ${said.code}: ${lastLine(said.stderr)}`);
  }

  using shown = new Ledger(`${ledgers}/reader`);
  for (const line of (await must(qight("fetch", "--json"), { env: reader })).split("\n")) {
    if (line === "") continue;
    const { type, id, seq, text } = JSON.parse(line);
    if (type === "message") shown.add({ kind: "shown", text, id, seq, reader: "reader" });
  }
  if (await must(qight("fetch", "--json"), { env: reader }) !== "") {
    broken.push("a second fetch showed something again");
  }

  // Where the command ends before it is killed, nothing is proven.
  if (client.kills < size.rounds / 4) broken.push(`only ${client.kills} kills struck in ${size.rounds} messages`);
  if (strace && client.killsAtSyscalls === 0) broken.push("no kill struck at a system call");
  const verdict = checkLedgers(readLedgers(ledgers));
  return {
    counts: {
      messages: verdict.intents,
      kills: client.kills,
      kills_at_syscalls: client.killsAtSyscalls,
      acknowledged: verdict.acknowledged,
      shown: verdict.shown,
      ...tally(verdict),
    },
    complaints: [...broken, ...complaints(verdict)],
  };
}

/** Runs a command, kills it, and repeats it until it ends by itself. */
class KilledClient {
  kills = 0;
  killsAtSyscalls = 0;
  readonly #env: Record<string, string>;
  readonly #random: () => number;
  readonly #strace: boolean;
  #usualMs = Infinity;

  constructor(env: Record<string, string>, random: () => number, strace: boolean) {
    this.#env = env;
    this.#random = random;
    this.#strace = strace;
  }

  /** Runs a command without a kill and learns how long it takes. */
  async sendInPeace(args: string[]): Promise<Said> {
    const started = performance.now();
    const said = await run(args, { env: this.#env });
    this.#usualMs = performance.now() - started;
    return said;
  }

  async sendUntilDone(args: string[]): Promise<Said> {
    let said = await this.#runAndKill(args);
    for (let repeat = 0; killed(said); repeat++) {
      this.kills++;
      // Half of the repeats are killed as well: a retry must be as safe as the first try.
      const again = repeat < MOST_REPEATS && this.#random() < 0.5;
      said = again ? await this.#runAndKill(args) : await this.sendInPeace(args);
    }
    return said;
  }

  async #runAndKill(args: string[]): Promise<Said> {
    if (!this.#strace || this.#random() < 0.5) {
      // The first third of the time is the start of the program, where there is nothing to lose.
      const killAfterMs = this.#usualMs * (0.3 + 0.7 * this.#random());
      return await run(args, { env: this.#env, killAfterMs });
    }
    const [calls, most] = killPoints[Math.floor(this.#random() * killPoints.length)];
    const when = 1 + Math.floor(this.#random() * most);
    const inject = ["-f", "-o", "/dev/null", "-e", `trace=${calls}`];
    const kill = ["-e", `inject=${calls}:signal=KILL:when=${when}`, Deno.execPath()];
    const said = await run([...inject, ...kill, ...args], { env: this.#env, command: "strace" });
    if (killed(said)) this.killsAtSyscalls++;
    return said;
  }
}

/** Calls between durable write, send and ack, and about how many of each one `send` makes. */
const killPoints: readonly [string, number][] = [
  ["fsync,fdatasync", 7],
  ["pwrite64", 200],
  ["sendmsg,sendmmsg", 18],
  ["recvmsg,recvmmsg", 18],
];

/** SIGKILL shows as a signal; a strace whose program was killed ends the same way. */
function killed(said: Said): boolean {
  return said.signal === "SIGKILL" || said.code === 137;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
