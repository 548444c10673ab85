/**
 * One fault of the disk at step N of a send, fetch, acknowledge, expire, stop cycle, for many N (docs/proof.md).
 * @module
 */
import { Folder } from "../processes.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { seeded } from "../random.ts";
import { Attached, missingStrace } from "../strace.ts";
import { afterCut } from "./after_cut.ts";
import { Cycle } from "./cycle.ts";
import { DiskImage } from "./disk_image.ts";
import { diskTraceArguments, readDiskTrace } from "./disk_trace.ts";
import { nowUs } from "./load.ts";

/**
 * What goes wrong. `ends`: the relay must end with 74 when it strikes; else it may also go on with a typed refusal.
 * `swallowed`: SQLite3 Multiple Ciphers 2.4.0 drops the error of a failed read (mcIoRead keeps only short reads), so the
 * relay cannot see all of them: these are counted, not complained about, and their files are put back.
 */
const faults: readonly {
  name: string;
  calls: string;
  inject: string;
  every?: true;
  ends: boolean;
  swallowed?: true;
}[] = [
  { name: "no room", calls: "pwrite64", inject: "error=ENOSPC", every: true, ends: false },
  { name: "nothing written", calls: "pwrite64", inject: "retval=0", ends: false },
  { name: "write error", calls: "pwrite64", inject: "error=EIO", ends: true },
  { name: "sync error", calls: "fsync,fdatasync", inject: "error=EIO", ends: true },
  { name: "truncate error", calls: "ftruncate", inject: "error=EIO", ends: true },
  { name: "read error", calls: "pread64", inject: "error=EIO", ends: true, swallowed: true },
];

/** Rounds are the steps tried for each kind of fault, spread over the cycle; all of them when there are fewer. */
export const ioFault: Row = {
  name: "io-fault",
  property:
    "a failed write, sync or truncate at any step of send, fetch, acknowledge, expire and stop: no false answer, the " +
    "relay ends with 74 or refuses by a typed error, the next start is clean and nothing acknowledged is lost",
  rounds: { ci: 7, night: 10_000 },
  run: prove,
};

async function prove(size: Size): Promise<Finding> {
  const absent = await missingStrace();
  if (absent !== null) return { counts: {}, complaints: [], skipped: absent };
  using folder = new Folder();
  const entry = size.relayEntry ?? { path: "tests/prove/disk/relay_ahead.ts", args: [] };
  await using relay = new RelayProcess(folder.inside("post"), {}, entry);
  await relay.start();
  const cycle = await Cycle.begin(relay);
  const rig = new Rig(relay, cycle, folder, seeded(size.seed));
  await rig.dryRun();
  // A relay that cannot start again has failed the row already, and leaves nothing to strike.
  let serving = true;
  for (const fault of faults) {
    const steps = rig.stepsOf(fault.calls);
    const tried = Math.min(size.rounds, steps);
    for (let i = 0; i < tried && serving; i++) {
      const step = tried === 1 ? 1 : 1 + Math.round(i * (steps - 1) / (tried - 1));
      serving = await rig.strike(fault, step);
    }
    if (serving && rig.struckBy(fault.name) === 0) rig.complaints.push(`${fault.name}: no step of ${steps} was struck`);
  }
  return {
    counts: {
      ...Object.fromEntries(faults.map(({ name, calls }) => [`steps_${name.replace(" ", "_")}`, rig.stepsOf(calls)])),
      points: rig.points,
      struck: rig.struck,
      ended_74: rig.ended,
      refused: rig.refused,
      read_errors_seen: rig.readErrorsSeen,
      read_errors_swallowed: rig.readErrorsSwallowed,
      acknowledged: cycle.letters.all.filter(({ seq }) => seq > 0).length,
    },
    complaints: rig.complaints,
  };
}

/** Runs the cycle under a fault and looks at what is left. */
class Rig {
  readonly complaints: string[] = [];
  points = 0;
  ended = 0;
  refused = 0;
  readErrorsSeen = 0;
  readErrorsSwallowed = 0;
  readonly #relay: RelayProcess;
  readonly #cycle: Cycle;
  readonly #folder: Folder;
  readonly #chance: () => number;
  readonly #struck = new Map<string, number>();
  #dryTrace = "";

  constructor(relay: RelayProcess, cycle: Cycle, folder: Folder, chance: () => number) {
    this.#relay = relay;
    this.#cycle = cycle;
    this.#folder = folder;
    this.#chance = chance;
  }

  /** How many faults were met. */
  get struck(): number {
    return this.#struck.values().reduce((sum, count) => sum + count, 0);
  }

  /** How many of one kind. */
  struckBy(name: string): number {
    return this.#struck.get(name) ?? 0;
  }

  /** The cycle without a fault: it must be whole, and its calls are the steps. */
  async dryRun(): Promise<void> {
    const { trace, code, refusals } = await this.#run([]);
    this.#dryTrace = new TextDecoder("latin1").decode(trace);
    if (code !== 0) this.complaints.push(`without a fault the relay ended with ${code}: ${this.#relay.lastWords()}`);
    this.complaints.push(...refusals.map((refusal) => `without a fault: ${refusal}`));
    await this.#relay.start();
  }

  /** How often one thread makes these calls in a cycle: strace counts each thread and each call by itself. */
  stepsOf(calls: string): number {
    const counts = new Map<string, number>();
    for (const [, pid, name] of this.#dryTrace.matchAll(/^(\d+) +[\d.]+ (\w+)\(/gm)) {
      if (calls.split(",").includes(name)) counts.set(`${pid} ${name}`, (counts.get(`${pid} ${name}`) ?? 0) + 1);
    }
    return Math.max(0, ...counts.values());
  }

  /** One fault at one step; false when the relay does not start again after it. */
  async strike(fault: (typeof faults)[number], step: number): Promise<boolean> {
    const inject = `inject=${fault.calls}:${fault.inject}:when=${step}${fault.every ? "+" : ""}`;
    const before = this.#files();
    const known = this.#cycle.letters.all.map((letter) => ({ ...letter }));
    const { trace, code, refusals } = await this.#run(["-e", inject]);
    const struck = new TextDecoder("latin1").decode(trace).includes("(INJECTED)");
    this.points++;
    if (struck) this.#struck.set(fault.name, this.struckBy(fault.name) + 1);
    if (code === 74) this.ended++;
    this.refused += refusals.length;
    if (fault.swallowed) {
      if (code === 74) this.readErrorsSeen++;
      else this.readErrorsSwallowed++;
      this.#cycle.letters.all.splice(0, Infinity, ...known);
      this.#putBack(before);
      await this.#relay.start();
      return true;
    }
    const blame = (what: string) => this.complaints.push(`${fault.name} at step ${step}: ${what}`);
    if (code !== 0 && code !== 74) blame(`the relay ended with ${code}: ${this.#relay.lastWords()}`);
    if (struck && fault.ends && code !== 74) blame(`the relay ended with ${code} instead of 74`);
    const typed = /: (storage_full|store_damaged|unreachable|draining)$/;
    for (const refusal of refusals) if (!typed.test(refusal)) blame(refusal);
    await this.#look(trace, before, blame);
    return await this.#relay.start().then(() => true, (error) => {
      blame(`the next start failed: ${error.message}`);
      return false;
    });
  }

  /** Nothing that was acknowledged may hang on bytes that no sync covered, and what lies there must open. */
  async #look(trace: Uint8Array, before: Map<string, Uint8Array>, blame: (what: string) => void): Promise<void> {
    const calls = readDiskTrace(trace, (path) => path.startsWith(this.#relay.dataDir) && !path.endsWith("-shm"));
    const image = new DiskImage(calls, before);
    image.playUntil(Infinity);
    const left: [string, Map<string, Uint8Array>][] = [
      ["with only what was synced", image.cut(this.#chance, 0)],
      ["with half of the rest", image.cut(this.#chance, 0.5)],
      ["as it lies there", this.#files()],
    ];
    for (const [what, files] of left) {
      using scratch = new Folder();
      for (const [path, bytes] of files) Deno.writeFileSync(path.replace(this.#relay.dataDir, scratch.path), bytes);
      const { complaints } = await afterCut(`${scratch.path}/relay.db`, this.#cycle.letters.all, nowUs());
      for (const complaint of complaints) blame(`${what}: ${complaint}`);
    }
  }

  async #run(inject: string[]): Promise<{ trace: Uint8Array; code: number; refusals: string[] }> {
    const log = `${this.#folder.path}/trace`;
    const [database, wal] = [`${this.#relay.dataDir}/relay.db`, `${this.#relay.dataDir}/relay.db-wal`];
    const watched = [this.#relay.dataDir, database, wal].flatMap((path) => ["-P", path]);
    const args = diskTraceArguments(log).map((arg) => arg.startsWith("trace=") ? `${arg},pread64` : arg);
    using session = await this.#cycle.session();
    const strace = await Attached.to(this.#relay.pid, ...args, ...watched, ...inject);
    const refusals = await session.run();
    const code = await this.#relay.endedWithin(session.lost ? 5000 : 0) ?? await this.#stopped();
    await strace.ended();
    return { trace: Deno.readFileSync(log), code, refusals };
  }

  #putBack(files: ReadonlyMap<string, Uint8Array>): void {
    for (const name of ["relay.db", "relay.db-wal", "relay.db-shm"]) {
      const path = `${this.#relay.dataDir}/${name}`;
      const bytes = files.get(path);
      if (bytes) Deno.writeFileSync(path, bytes, { mode: 0o600 });
      else if ([...Deno.readDirSync(this.#relay.dataDir)].some((file) => file.name === name)) Deno.removeSync(path);
    }
  }

  /** Its exit code after SIGTERM; one that does not end is killed and counts as 137. */
  async #stopped(): Promise<number> {
    Deno.kill(this.#relay.pid, "SIGTERM");
    const code = await this.#relay.endedWithin(10_000);
    if (code === null) await this.#relay.kill();
    return code ?? 137;
  }

  /** Database and log as they lie there. */
  #files(): Map<string, Uint8Array> {
    const names = [...Deno.readDirSync(this.#relay.dataDir)].map(({ name }) => name);
    const own = names.filter((name) => name === "relay.db" || name === "relay.db-wal");
    return new Map(own.map((name) => {
      const path = `${this.#relay.dataDir}/${name}`;
      return [path, Deno.readFileSync(path)];
    }));
  }
}
