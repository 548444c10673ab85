/** Reads the client's config.toml: one typed value, or an error with line, column and the near name. @module */
import { dirname, isAbsolute, join } from "node:path";
import { asQightError, QightError } from "../proto/errors.ts";
import { parseDuration } from "../relay/config/durations.ts";
import { keyPositions, type Position } from "../relay/config/key_positions.ts";
import { nearName } from "../relay/config/near_name.ts";
import { parseSize } from "../relay/config/sizes.ts";
import { clientKeys, type ConfigFile, type Keys, type KeySpec } from "./config_keys.ts";
import { refuseWrongName } from "./config_name.ts";
import type { Env } from "./paths.ts";

/** A config.toml that was read and is right. */
export interface LoadedConfig {
  readonly path: string;
  readonly values: ConfigFile;
  /** Where each key stands, by its dotted path. */
  readonly positions: ReadonlyMap<string, Position>;
}

/** Largest config.toml in bytes. */
const LARGEST_CONFIG = 1024 * 1024;

/** Reads the file; null when it is missing. A missing one that was asked for by name is `no_input`. */
export async function readConfigFile(path: string, askedFor: boolean, env: Env): Promise<LoadedConfig | null> {
  try {
    const { size } = await Deno.stat(path);
    if (size > LARGEST_CONFIG) throw new QightError("config", `${path} is larger than 1 MiB`);
    return await parseConfig(await Deno.readTextFile(path), path, env("HOME"));
  } catch (error) {
    if (error instanceof QightError) throw error;
    const missing = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    if (!missing || askedFor) {
      throw new QightError("no_input", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
    }
    await refuseWrongName(path);
    return null;
  }
}

/** Reads an administrator's file; one that this user may not see counts as missing. */
export async function readSystemConfig(path: string, env: Env): Promise<LoadedConfig | null> {
  try {
    return await readConfigFile(path, false, env);
  } catch (error) {
    const { cause } = error as QightError;
    if (cause instanceof Deno.errors.PermissionDenied) return null;
    throw error;
  }
}

/** Parses and checks the text of the config.toml at `path`; a path in it may begin with `~/`, which is `home`. */
export async function parseConfig(text: string, path: string, home?: string): Promise<LoadedConfig> {
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
  const fail = (key: readonly string[], why: string) => {
    const at = positions.get(key.join("."));
    return new QightError("config", `${path}${at ? `:${at.line}:${at.column}` : ""}: ${why}`);
  };
  return { path, values: checkTable(value, clientKeys, { path, home, fail }) as ConfigFile, positions };
}

interface Room {
  readonly path: string;
  readonly home: string | undefined;
  fail(key: readonly string[], why: string): QightError;
}

function checkTable(found: Record<string, unknown>, keys: Keys, room: Room, above: readonly string[] = []) {
  const checked: [string, unknown][] = [];
  for (const [name, value] of Object.entries(found)) {
    const key = [...above, name];
    const row = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (row === undefined) {
      const near = nearName(name, Object.keys(keys));
      throw room.fail(key, `unknown key ${key.join(".")}${near ? `, did you mean ${near}?` : ""}`);
    }
    if ("type" in row) checked.push([name, checkValue(value, row, room, key)]);
    else if ("table" in row) checked.push([name, checkTable(asTable(value, room, key), row.table, room, key)]);
    else {
      const each = Object.entries(asTable(value, room, key)).map(([name, table]) => {
        const inside = [...key, name];
        return [name, checkTable(asTable(table, room, inside), row.each, room, inside)];
      });
      checked.push([name, Object.fromEntries(each)]);
    }
  }
  return Object.fromEntries(checked);
}

function asTable(found: unknown, room: Room, key: readonly string[]): Record<string, unknown> {
  if (typeof found === "object" && found !== null && !Array.isArray(found)) return found as Record<string, unknown>;
  throw room.fail(key, `${key.join(".")} must be a table`);
}

function checkValue(found: unknown, { type }: KeySpec, room: Room, key: readonly string[]): unknown {
  const name = key.join(".");
  if (Array.isArray(type)) {
    if (type.includes(found as string)) return found;
    throw room.fail(key, `${name} must be one of ${type.join(", ")}`);
  }
  if (type === "boolean" ? typeof found !== "boolean" : typeof found !== "string") {
    throw room.fail(key, `${name} must be a ${type === "boolean" ? "boolean" : "string"}`);
  }
  if (type === "path") return besideFile(found as string, room);
  const parse = type === "duration" ? parseDuration : type === "size" ? parseSize : null;
  try {
    if (parse && found !== "") parse(found as string);
  } catch (error) {
    const { message, code, hint } = asQightError(error);
    throw room.fail(key, `${name}: ${message}${code === "bad_duration" ? `. ${hint}` : ""}`);
  }
  return found;
}

/** A relative path in config.toml means beside that file, wherever the command was started; `-` stays standard input. */
function besideFile(path: string, { path: file, home }: Room): string {
  if (home !== undefined && path.startsWith("~/")) return join(home, path.slice(2));
  return path === "" || path === "-" || isAbsolute(path) ? path : join(dirname(file), path);
}
