/** Runs the real command line in real processes, each person in folders of their own. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { denoDir } from "../helpers/deno_dir.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const decoder = new TextDecoder();

/** What a command left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Uint8Array;
}

/** How to run one command. */
export interface RunOptions {
  /** What stands on stdin; nothing (closed) unless given. */
  readonly stdin?: string | Uint8Array;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** A script that runs first in the same process, to turn its clock. */
  readonly preload?: string;
}

/** A command that goes on. */
export interface Running {
  readonly pid: number;
  /** The next line of stdout; null at its end. */
  line(): Promise<string | null>;
  /** Resolves when stderr has a match. */
  seen(pattern: RegExp): Promise<void>;
  stderr(): string;
  signal(name: Deno.Signal): void;
  /** Exit code once it ended. */
  readonly ended: Promise<number>;
  write(text: string): Promise<void>;
  closeStdin(): Promise<void>;
}

/** One person (or the operator) with a home of their own. */
export class Person {
  readonly home: string;
  readonly env: Record<string, string>;
  /** Words before each command, for example `ip netns exec NAME`: the machine that the person sits at. */
  within: readonly string[] = [];

  constructor(home: string, env: Record<string, string> = {}) {
    this.home = home;
    this.env = {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: home,
      DENO_DIR: denoDir(),
      DENO_NO_UPDATE_CHECK: "1",
      XDG_CONFIG_HOME: join(home, "config"),
      XDG_DATA_HOME: join(home, "data"),
      XDG_STATE_HOME: join(home, "state"),
      XDG_RUNTIME_DIR: join(home, "run"),
      ...coverage(),
      ...env,
    };
  }

  /** A file in the person's home. */
  path(name: string): string {
    return join(this.home, name);
  }

  /** Writes a file in the person's home and returns its path. */
  file(name: string, text: string | Uint8Array, mode = 0o600): string {
    const path = this.path(name);
    Deno.writeFileSync(path, typeof text === "string" ? new TextEncoder().encode(text) : text, { mode });
    return path;
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const child = this.#spawn(args, options);
    const feeding = feed(child, options.stdin);
    const { code, stdout, stderr } = await child.output();
    await feeding;
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), bytes: stdout };
  }

  /** Runs a command that must succeed; returns its stdout without the last newline. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const outcome = await this.run(args, options);
    assert.equal(outcome.code, 0, `qight ${args.join(" ")} ended with ${outcome.code}: ${outcome.stderr}`);
    return outcome.stdout.trimEnd();
  }

  /** Starts a command that goes on; the caller ends it. */
  start(args: readonly string[], options: RunOptions = {}): Running {
    const child = this.#spawn(args, options);
    const writer = child.stdin.getWriter();
    const lines = linesOf(child.stdout);
    let stderr = "";
    const waiting = new Set<() => void>();
    const reading = (async () => {
      for await (const chunk of child.stderr) {
        stderr += decoder.decode(chunk);
        for (const wake of waiting) wake();
      }
    })();
    const ended = child.status.then(async ({ code }) => {
      await reading;
      for (const wake of waiting) wake();
      return code;
    });
    let over = false;
    ended.then(() => over = true);
    return {
      pid: child.pid,
      ended,
      stderr: () => stderr,
      async line() {
        const { done, value } = await lines.next();
        return done ? null : value;
      },
      async seen(pattern) {
        while (!pattern.test(stderr)) {
          assert.ok(!over, `the command ended without saying ${pattern}: ${stderr}`);
          const woken = Promise.withResolvers<void>();
          waiting.add(woken.resolve);
          await woken.promise;
          waiting.delete(woken.resolve);
        }
      },
      signal: (name) => child.kill(name),
      write: (text) => writer.write(new TextEncoder().encode(text)),
      closeStdin: () => writer.close(),
    };
  }

  #spawn(args: readonly string[], { env, cwd, preload }: RunOptions) {
    const [run, ...rest] = cliArguments();
    const [program, ...before] = [...this.within, Deno.execPath()];
    return new Deno.Command(program, {
      args: [...before, run, ...(preload === undefined ? [] : ["--preload", preload]), ...rest, ...args],
      env: { ...this.env, ...env },
      clearEnv: true,
      cwd: cwd ?? this.home,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }
}

/** Arguments of Deno that run the command line from source. */
export function cliArguments(): string[] {
  return ["run", "-qA", "--node-modules-dir=manual", "--config", join(root, "deno.json"), join(root, "cli/main.ts")];
}

/** A relay that runs, and how to stop it. */
export interface RunningRelay {
  readonly address: string;
  readonly port: number;
  readonly dataDir: string;
  readonly process: Running;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number>;
}

/** A temporary world: people, relays, and nothing left of them afterwards. */
export class World implements AsyncDisposable {
  readonly folder: string;
  readonly operator: Person;
  readonly #relays = new Set<Running>();

  constructor() {
    this.folder = Deno.makeTempDirSync({ prefix: "qight-test-" });
    this.operator = this.person("operator");
  }

  /** Somebody with an empty home. */
  person(name: string, env: Record<string, string> = {}): Person {
    const home = join(this.folder, name);
    Deno.mkdirSync(home, { recursive: true });
    return new Person(home, env);
  }

  /** Somebody who has a key and uses the relay. */
  async member(name: string, relay: { address: string }, env: Record<string, string> = {}) {
    const person = this.person(name, { QIGHT_RELAY: relay.address, ...env });
    const id = await person.ok(["key", "gen", "--no-passphrase"]);
    return Object.assign(person, { id });
  }

  /** Starts a relay on a free loopback port (or a given one) and waits for its address. */
  async relay(
    options: {
      name?: string;
      port?: number;
      /** Where to listen instead of loopback. */
      listen?: string;
      args?: string[];
      env?: Record<string, string>;
      preload?: string;
    } = {},
  ): Promise<RunningRelay> {
    const dataDir = join(this.folder, options.name ?? "relay");
    const listen = options.listen ?? `127.0.0.1:${options.port ?? 0}`;
    const process = this.operator.start(
      ["relay", "--listen", listen, "--data-dir", dataDir, ...options.args ?? []],
      { env: { QIGHT_CFG__HTTP__LISTEN: "", ...options.env }, preload: options.preload },
    );
    this.#relays.add(process);
    process.ended.then(() => this.#relays.delete(process));
    const line = await process.line();
    const address = /^address {2}(qight:\/\/\S+)/.exec(line ?? "")?.[1];
    assert.ok(address, `the relay printed ${line}: ${process.stderr()}`);
    return {
      address,
      port: Number(address.split(":").at(-1)),
      dataDir,
      process,
      stop: () => {
        process.signal("SIGTERM");
        return process.ended;
      },
    };
  }

  /** Ends what still runs and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#relays) {
      process.signal("SIGKILL");
      await process.ended;
    }
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Somebody who has a key and uses a relay. */
export type Member = Awaited<ReturnType<World["member"]>>;

/** A world with a relay and these people, for all tests of a file; it ends after them. */
export async function cast<Name extends string>(
  ...names: Name[]
): Promise<Record<Name, Member> & { world: World; relay: RunningRelay }> {
  const world = new World();
  Deno.test.afterAll(() => world[Symbol.asyncDispose]());
  const relay = await world.relay();
  const people = await Promise.all(names.map(async (name) => [name, await world.member(name, relay)]));
  return { ...Object.fromEntries(people), world, relay };
}

/** A test row over processes that other rows share: their pipes outlive one row, which the sanitizers would call a leak. */
export function row(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

/** The error object of a command that ran with `--json`. */
export function errorOf(outcome: Outcome): { code: string; message: string; hint: string; exit: number } {
  const line = outcome.stderr.split("\n").find((each) => each.startsWith('{"error"'));
  assert.ok(line, `no JSON error in: ${outcome.stderr}`);
  return JSON.parse(line).error;
}

async function feed(child: Deno.ChildProcess, stdin: string | Uint8Array | undefined): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    if (stdin !== undefined) await writer.write(typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin);
    await writer.close();
  } catch (error) {
    // A command that refuses its arguments does not read its stdin.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Lines of a byte stream; a last one without an end counts too. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
  if (rest) yield rest;
}

/** With `deno task coverage` programs leave their profiles too. */
function coverage(): Record<string, string> {
  const folder = Deno.env.get("DENO_COVERAGE_DIR");
  return folder ? { DENO_COVERAGE_DIR: folder } : {};
}
