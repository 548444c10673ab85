/**
 * The people around one relay in the rows of its life: folders, keys, senders, readers and their ledgers.
 * @module
 */
import { checkLedgers, tally, type Verdict } from "../checker.ts";
import { Follower } from "../follower.ts";
import { Ledger, readLedgers } from "../ledger.ts";
import { LineSender, type Load } from "../line_sender.ts";
import { Folder, must, person, qight } from "../processes.ts";
import { RelayProcess } from "../relay_process.ts";
import type { RelayEntry } from "../row.ts";

/** Somebody with a key and a ledger. */
export interface Member {
  readonly name: string;
  /** `qid1…` */
  readonly id: string;
  readonly env: Record<string, string>;
  readonly ledger: Ledger;
}

/** Silence after which a command takes its session for lost; a relay that is started again is back long before. */
const TIMEOUT = "10s";

/** One relay that runs, and everybody around it; disposing kills the relay and removes every folder. */
export class Crowd implements AsyncDisposable {
  readonly relay: RelayProcess;
  readonly #folder = new Folder();
  readonly #opened = new DisposableStack();

  private constructor(settings: Record<string, string>, entry?: RelayEntry) {
    this.relay = new RelayProcess(this.#folder.inside("post"), settings, entry);
  }

  /** @param settings `QIGHT_CFG__…` of the relay over the rig's own; @param entry what to start instead of `qight relay` */
  static async start(settings: Record<string, string> = {}, entry?: RelayEntry): Promise<Crowd> {
    const crowd = new Crowd(settings, entry);
    await crowd.relay.start();
    return crowd;
  }

  /** A folder of its own for anything else. */
  inside(name: string): string {
    return this.#folder.inside(name);
  }

  /** A ledger that ends with the crowd. */
  ledger(name: string): Ledger {
    return this.#opened.use(new Ledger(`${this.inside("ledgers")}/${name}`));
  }

  /** Somebody new: folders, key, ledger. */
  async member(name: string): Promise<Member> {
    const env = person(this.inside(name), this.relay.address);
    const id = await must(qight("key", "gen", "--no-passphrase"), { env });
    return { name, id, env, ledger: this.ledger(name) };
  }

  /** `send --lines` of this member. */
  lines({ name, env, ledger }: Member, to: string, load: Load): LineSender {
    return new LineSender(name, qight("send", "--sealed", to, "--lines", "--timeout", TIMEOUT), env, ledger, load);
  }

  /** `fetch --follow --json` of this member; a second one of the same member has its own `name`, the reader's name stays. */
  follow({ name, env, ledger }: Member): Follower {
    return new Follower(name, qight("fetch", "--follow", "--json", "--timeout", TIMEOUT), env, ledger);
  }

  /** Waits until a reader has taken all that the relay holds; a reader that shows nothing for so long never will. */
  async drained(follower: Follower, patienceMs: number): Promise<void> {
    while (follower.quietMs < patienceMs && await this.relay.holds() > 0) await after(100);
  }

  /** What all ledgers say together. */
  verdict(): Verdict {
    return checkLedgers(readLedgers(this.inside("ledgers")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#opened.dispose();
    await this.relay[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** The counts that every row of these prints. */
export function countsOf(verdict: Verdict): Record<string, number> {
  return {
    intents: verdict.intents,
    acknowledged: verdict.acknowledged,
    shown: verdict.shown,
    ...tally(verdict),
  };
}

/** Waits until each sender has an ack since now, so that what comes next strikes under load; false after `withinMs`. */
export async function underLoad(senders: readonly LineSender[], withinMs = 40_000): Promise<boolean> {
  const before = senders.map((sender) => sender.acknowledged);
  return await until(
    () => senders.every((sender, index) => !sender.running || sender.acknowledged > before[index]),
    withinMs,
  );
}

/** Waits until it holds; false after `withinMs`. */
export async function until(holds: () => boolean, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadline) return false;
    await after(10);
  }
  return true;
}

/** Lets real processes work for so many milliseconds. */
export function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
