/**
 * Cuts a command between any two things that it does: a file that gets its name, a commit of its store, a call that changes
 * something at the relay. Whatever it would do afterwards does not happen, as after kill -9; or one thing alone fails.
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { basename } from "node:path";
import Database from "better-sqlite3";
import { createRpc } from "../../client/rpc.ts";
import type { Connection } from "../../net/connection.ts";
import { QightError } from "../../proto/errors.ts";

/**
 * `ends`: the process is gone before the step is taken. `fails`: this step alone is not taken (the disk is full, the
 * connection breaks). `unheard`: the step is taken, and a call's answer does not arrive.
 */
export type How = "ends" | "fails" | "unheard";

/** The same, as a row says it. */
export const WORDS: Readonly<Record<How, string>> = {
  ends: "is killed between any two steps",
  fails: "fails at any one step",
  unheard: "does not hear of any one step that it took",
};

/** Of every so many steps one is cut in a short run; which ones changes from run to run. QIGHT_CUTS=all cuts at each. */
const EVERY: Readonly<Record<How, number>> = { ends: 5, fails: 12, unheard: 12 };

/** The steps to cut at, from 1 to `count`. */
export function someOf(count: number, how: How): number[] {
  const every = Deno.env.get("QIGHT_CUTS") === "all" ? 1 : EVERY[how];
  const first = 1 + Math.floor(Math.random() * every);
  return Array.from({ length: count }, (_, at) => at + 1).filter((step) => step % every === first % every);
}

/** Runs assertions; what they throw says where the command was cut. */
export async function during(where: string, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (cause) {
    throw new Error(`cut: ${where}: ${(cause as Error).message}`, { cause });
  }
}

/** Counts the steps of a command, and cuts it at one of them. */
export class Cut {
  /** What was done, in order; the one at which it was cut is not among them unless it was done. */
  readonly done: string[] = [];
  /** The step at which it was cut. */
  struck: string | null = null;
  readonly #at: number;
  readonly #how: How;
  #isGone = false;
  #count = 0;

  /** `at`: the step, from 1; Infinity only counts. */
  constructor(at: number, how: How = "ends") {
    this.#at = at;
    this.#how = how;
  }

  /** Steps so far, the one at which it was cut among them. */
  get count(): number {
    return this.#count;
  }

  /** Throws for a process that is gone. */
  assertAlive(): void {
    if (this.#isGone) throw new Gone();
  }

  /** Takes a step, or does not. `failure`: what is thrown where it fails. */
  step<T>(what: string, take: () => T, failure: () => Error): T {
    this.assertAlive();
    if (++this.#count !== this.#at) {
      this.done.push(what);
      return take();
    }
    this.struck = what;
    if (this.#how === "ends") {
      this.#isGone = true;
      throw new Gone();
    }
    if (this.#how === "fails") throw failure();
    this.done.push(what);
    const taken = take();
    if (!(taken instanceof Promise)) return taken;
    return taken.then(() => {
      throw failure();
    }) as T;
  }
}

/** The process is gone. */
class Gone extends Error {
  constructor() {
    super("The process is gone");
  }
}

const cuts = new AsyncLocalStorage<Cut | undefined>();

/** Runs a command of which all steps go through `cut`. */
export function within<T>(cut: Cut | undefined, run: () => Promise<T>): Promise<T> {
  return cuts.run(cut, run);
}

/** Says something on stdout: what a person has read they go by. */
export function worded<T>(say: () => Promise<T>): Promise<T> {
  const cut = cuts.getStore();
  return cut ? cut.step("words", say, () => new Error("The pipe is closed")) : say();
}

/** Calls that change nothing at the relay: a process that ends before one might as well have ended behind it. */
const ONLY_ASKS: ReadonlySet<string> = new Set([
  "GetBundle",
  "GetSealingKeys",
  "Capabilities",
  "Ping",
  "ShowAccount",
  "ListDevices",
  "GetGroup",
  "GetGroupInfo",
  "GetCommits",
  "TakeRendezvous",
  "RecoverStart",
  "CountKeyPackages",
]);

const unreachable = () => new QightError("unreachable", "The connection broke");
const diskFull = () => Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
const noSpace = () => new Error("No space left on device");

const rpc = Object.getPrototypeOf(createRpc({} as Connection));
const { unary, bidi, serverStream } = rpc;
rpc.unary = function (this: unknown, method: { name: string }, ...rest: unknown[]) {
  const cut = cuts.getStore();
  const call = () => unary.call(this, method, ...rest);
  if (!cut) return call();
  return (async () => {
    if (!ONLY_ASKS.has(method.name)) return await cut.step(`call ${method.name}`, call, unreachable);
    cut.assertAlive();
    return await call();
  })();
};
rpc.bidi = async function (this: unknown, method: { name: string }, ...rest: unknown[]) {
  const cut = cuts.getStore();
  if (!cut || method.name === "Hello") cut?.assertAlive();
  else cut.step(`call ${method.name}`, () => {}, unreachable);
  return await bidi.call(this, method, ...rest);
};
rpc.serverStream = function (this: unknown, ...rest: unknown[]) {
  cuts.getStore()?.assertAlive();
  return serverStream.apply(this, rest);
};

/** Rows that each connection had changed when it last committed: a transaction that only looked is no step. */
const changes = new WeakMap<object, number>();
const { exec } = Database.prototype;
Database.prototype.exec = function (this: Database.Database, sql: string) {
  const cut = cuts.getStore();
  if (!cut || sql !== "COMMIT") return exec.call(this, sql);
  const now = this.prepare("SELECT total_changes()").pluck().get() as number;
  const isEmpty = now === (changes.get(this) ?? 0);
  changes.set(this, now);
  if (isEmpty) return exec.call(this, sql);
  return cut.step("commit", () => exec.call(this, sql), diskFull);
};

for (const name of ["rename", "link", "remove"] as const) {
  const plain = Deno[name] as (...args: unknown[]) => Promise<void>;
  const cutting = async (...args: unknown[]) => {
    const cut = cuts.getStore();
    const path = `${name === "remove" ? args[0] : args[1]}`;
    if (!cut || path.endsWith(".tmp")) {
      cut?.assertAlive();
      return await plain(...args);
    }
    return await cut.step(`${name} ${basename(path)}`, () => plain(...args), noSpace);
  };
  Object.defineProperty(Deno, name, { value: cutting });
}
