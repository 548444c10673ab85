/** Reads the client's config.toml: one typed value, or an error with line, column and the near name. @module */
import { QightError } from "../proto/errors.ts";
import { keyPositions } from "../relay/config/key_positions.ts";
import { nearName } from "../relay/config/near_name.ts";

/** Settings of one `[context.NAME]`. */
export interface ContextSettings {
  readonly relay?: string;
  readonly identity?: string;
  readonly timeout?: string;
  readonly passphrase_file?: string;
  readonly token_file?: string;
}

/** All of config.toml. */
export interface ConfigFile {
  readonly default_context?: string;
  readonly context: Readonly<Record<string, ContextSettings>>;
  readonly output: { readonly json?: boolean; readonly color?: boolean; readonly time?: "local" | "utc" };
  readonly files: { readonly save_dir?: string };
}

/** What config.toml says when there is none. */
export const emptyConfig: ConfigFile = { context: {}, output: {}, files: {} };

/** Reads the file; a missing one is empty unless it was asked for by name (then `no_input`). */
export async function readConfigFile(path: string, askedFor: boolean): Promise<ConfigFile> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !askedFor) return emptyConfig;
    throw new QightError("no_input", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  return await parseConfig(text, path);
}

/** Parses and checks the text of config.toml; `path` is for the sentence of a `config` error. */
export async function parseConfig(text: string, path: string): Promise<ConfigFile> {
  const { parse, TomlError } = await import("smol-toml");
  let value: Record<string, unknown>;
  try {
    value = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const why = error.message.split("\n")[0].replace("Invalid TOML document: ", "");
    throw new QightError("config", `${path}:${error.line}:${error.column}: ${why}`, { cause: error });
  }
  const positions = keyPositions(text);
  check(value, rows, [], (key, why) => {
    const at = positions.get(key.join("."));
    return new QightError("config", `${path}${at ? `:${at.line}:${at.column}` : ""}: ${why}`);
  });
  return { ...emptyConfig, ...value } as ConfigFile;
}

type Kind = "string" | "boolean" | readonly string[];
type Rows = { readonly [key: string]: Kind | { readonly table: Rows } | { readonly each: Rows } };
type Fail = (key: readonly string[], why: string) => QightError;

// docs/operations.md "Client config.toml"; keys of later steps ([repl], [mesh]) are known once their commands exist.
const rows: Rows = {
  default_context: "string",
  context: {
    each: {
      relay: "string",
      identity: "string",
      timeout: "string",
      passphrase_file: "string",
      token_file: "string",
    },
  },
  output: { table: { json: "boolean", color: "boolean", time: ["local", "utc"] } },
  files: { table: { save_dir: "string" } },
};

function check(value: Record<string, unknown>, known: Rows, path: readonly string[], fail: Fail): void {
  for (const [name, found] of Object.entries(value)) {
    const key = [...path, name];
    const row = Object.hasOwn(known, name) ? known[name] : undefined;
    if (row === undefined) {
      const near = nearName(name, Object.keys(known));
      throw fail(key, `unknown key ${key.join(".")}${near ? `, did you mean ${near}?` : ""}`);
    }
    if (row === "string" || row === "boolean") {
      const right = row === "string" ? typeof found === "string" : typeof found === "boolean";
      if (!right) throw fail(key, `${key.join(".")} must be a ${row}`);
    } else if (Array.isArray(row)) {
      if (!row.includes(found as string)) throw fail(key, `${key.join(".")} must be one of ${row.join(", ")}`);
    } else {
      checkTable(found, row as { table: Rows } | { each: Rows }, key, fail);
    }
  }
}

function checkTable(found: unknown, row: { table: Rows } | { each: Rows }, key: readonly string[], fail: Fail): void {
  if (typeof found !== "object" || found === null || Array.isArray(found)) {
    throw fail(key, `${key.join(".")} must be a table`);
  }
  if ("table" in row) return check(found as Record<string, unknown>, row.table, key, fail);
  for (const [name, each] of Object.entries(found)) {
    checkTable(each, { table: row.each }, [...key, name], fail);
  }
}
