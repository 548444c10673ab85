/**
 * Lays defaults, relay.toml, environment and flags over each other and remembers where each value came from.
 * @module
 */

import { parse, TomlError } from "smol-toml";
import { QightError } from "../../proto/errors.ts";
import { keyPositions, type Position } from "./key_positions.ts";
import { nearName } from "./near_name.ts";
import { defaults, type RawValue } from "./schema.ts";

/** Source of each key by its dotted path: `default`, `FILE:LINE:COLUMN`, the variable's name, or `flag`. */
export type Origins = Record<string, string>;

/** Raw values of all sources in one tree, not yet checked. */
export interface Merged {
  readonly tree: Record<string, unknown>;
  readonly origins: Origins;
  readonly positions: ReadonlyMap<string, Position>;
  readonly file: string;
}

const largestFile = 1024 * 1024;
const prefix = "QIGHT_CFG__";

/** One tree of raw values; throws `config` on malformed TOML and on unknown variables. */
export function mergeSources(sources: {
  tomlText?: string;
  tomlPath?: string;
  env: Readonly<Record<string, string | undefined>>;
  flags: Readonly<Record<string, string | readonly string[] | undefined>>;
}): Merged {
  const file = sources.tomlPath ?? "relay.toml";
  const text = sources.tomlText ?? "";
  const tree = parseText(text, file);
  const positions = keyPositions(text);
  const origins: Origins = {};

  for (const [key, value] of Object.entries(defaults)) {
    const position = positions.get(key);
    origins[key] = position ? `${file}:${position.line}:${position.column}` : "default";
    if (!position && key !== "websocket.listen") put(tree, key, value);
  }
  if (!("websocket" in tree)) tree.websocket = {};
  for (const [name, value] of Object.entries(sources.env)) {
    if (!name.startsWith(prefix) || value === undefined) continue;
    const key = keyOfVariable(name);
    put(tree, key, fromText(key, value));
    origins[key] = name;
  }
  // Set but empty counts as unset for every variable but QIGHT_CFG__… (docs/operations.md, Environment).
  if (sources.env.QIGHT_DATA_DIR) {
    put(tree, "data_dir", sources.env.QIGHT_DATA_DIR);
    origins.data_dir = "QIGHT_DATA_DIR";
  }
  for (const [key, value] of Object.entries(sources.flags)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(defaults, key)) throw new QightError("invariant", `No key ${key} for a flag to set`);
    put(tree, key, typeof value === "string" ? fromText(key, value) : [...value]);
    origins[key] = "flag";
  }
  return { tree, origins, positions, file };
}

function parseText(text: string, file: string): Record<string, unknown> {
  if (text.length > largestFile) throw new QightError("config", `${file} is larger than 1 MiB`);
  try {
    return structuredClone(parse(text)) as Record<string, unknown>;
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    // The parser's message ends with a frame of the text around the place.
    const [sentence] = cause.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new QightError("config", `${file}:${cause.line}:${cause.column}: ${sentence}`, { cause });
  }
}

function keyOfVariable(name: string): string {
  const key = name.slice(prefix.length).toLowerCase().split("__").join(".");
  if (Object.hasOwn(defaults, key)) return key;
  const near = nearName(key, Object.keys(defaults));
  const meant = near === null ? "" : `; did you mean ${prefix}${near.toUpperCase().replace(".", "__")}?`;
  throw new QightError("config", `${name}: unknown key ${key}${meant}`);
}

function fromText(key: string, text: string): RawValue {
  const like = defaults[key];
  if (Array.isArray(like)) {
    if (text === "") return key === "websocket.listen" ? "" : [];
    return text.split(",").map((item) => item.trim());
  }
  if (typeof like === "boolean") return text === "true" ? true : text === "false" ? false : text;
  // What is no whole number stays text, and the schema says so.
  if (typeof like === "number") return /^\d{1,15}$/.test(text) ? Number(text) : text;
  return text;
}

function put(tree: Record<string, unknown>, key: string, value: RawValue): void {
  const [first, second] = key.split(".");
  if (second === undefined) {
    tree[first] = value;
    return;
  }
  tree[first] ??= {};
  const section = tree[first];
  // `tls = 3` is left for the schema to complain about.
  if (typeof section === "object" && section !== null && !Array.isArray(section)) {
    (section as Record<string, unknown>)[second] = value;
  }
}
