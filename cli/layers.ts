/** The sources of settings laid over each other, and which of them each value came from. @module */
import type { LoadedConfig } from "./config_file.ts";
import type { Env } from "./paths.ts";

/** Which layer a value comes from: `file` is the user's config.toml, `system` one for all users of the machine. */
export type Origin = "flag" | "environment" | "file" | "system" | "default";

/** Where exactly: the flag, the variable, `FILE:LINE`, or null for what is built in. */
export interface Source {
  readonly origin: Origin;
  readonly source: string | null;
}

type Value = string | boolean;

/** Where a setting may come from. Empty texts count as not set. */
export interface Candidates {
  /** What the command line said; the flag is called like the setting. */
  readonly flag?: Value;
  /** Variable that may hold it. */
  readonly variable?: string;
  /** What other variables mean for it, by their names. */
  readonly meant?: Readonly<Record<string, Value | undefined>>;
  /** Its path in config.toml. */
  readonly key?: readonly string[];
  /** The key was chosen on the command line (--context), so it goes before variables. */
  readonly keyFirst?: boolean;
  readonly fallback?: Value;
}

/** Picks values from the layers, best first, and remembers the source of each by its name. */
export class Layers {
  readonly sources: Record<string, Source> = {};
  readonly #env: Env;
  #files: readonly LoadedConfig[] = [];
  #userFile = "";

  constructor(env: Env) {
    this.#env = env;
  }

  /** The config.toml files in force, best first; the one at `userFile` is the user's own. */
  useFiles(files: readonly LoadedConfig[], userFile: string): void {
    this.#files = files;
    this.#userFile = userFile;
  }

  /** The text of a setting from the best layer that has it; undefined when none has. */
  text(name: string, from: Candidates): string | undefined {
    return this.#pick(name, from) as string | undefined;
  }

  /** The same for a setting that is true or false. */
  yesNo(name: string, from: Candidates): boolean | undefined {
    return this.#pick(name, from) as boolean | undefined;
  }

  #pick(name: string, from: Candidates): Value | undefined {
    for (const [value, origin, source] of this.#inOrder(name, from)) {
      if (value === undefined || value === "") continue;
      this.sources[name] = { origin, source };
      return value;
    }
    this.sources[name] = { origin: "default", source: null };
    return undefined;
  }

  *#inOrder(name: string, from: Candidates): Generator<[Value | undefined, Origin, string | null]> {
    yield [from.flag, "flag", `--${name.replaceAll("_", "-")}`];
    if (from.keyFirst) yield* this.#inFiles(from);
    if (from.variable !== undefined) yield [this.#env(from.variable), "environment", from.variable];
    for (const [variable, value] of Object.entries(from.meant ?? {})) yield [value, "environment", variable];
    if (!from.keyFirst) yield* this.#inFiles(from);
    yield [from.fallback, "default", null];
  }

  *#inFiles(from: Candidates): Generator<[Value | undefined, Origin, string | null]> {
    for (const { path, values, positions } of from.key ? this.#files : []) {
      const line = positions.get(from.key!.join("."))?.line;
      const origin = path === this.#userFile ? "file" : "system";
      yield [valueAt(values, from.key!), origin, line === undefined ? path : `${path}:${line}`];
    }
  }
}

function valueAt(values: object, key: readonly string[]): Value | undefined {
  let found: unknown = values;
  for (const part of key) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<string, unknown>)[part];
  }
  return found as Value;
}
