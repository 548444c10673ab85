/** Changes the user's config.toml: as text, verified against what was meant, written whole or not at all. @module */
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { QightError } from "../proto/errors.ts";
import { parseConfig } from "./config_file.ts";
import type { ConfigFile } from "./config_keys.ts";
import { clientStateDir, exists, makePrivateFolder, writePrivateFile } from "./paths.ts";
import type { Settings } from "./settings.ts";
import { type Change, changeToml, tomlKey, tomlString } from "./toml_text.ts";

/**
 * Makes the changes that `plan` wants of the file as it is now, or none of them; a missing file is made, mode 0600.
 * Throws `config` when the file is written so unusually that the changed text would not say exactly what was meant.
 */
export async function editConfig(settings: Settings, plan: (now: ConfigFile) => readonly Change[]): Promise<void> {
  using _one = await onlyOne(settings);
  // A config.toml may be a link into a folder of dotfiles: the file behind it changes, the link stays.
  const path = await exists(settings.configPath) ? await Deno.realPath(settings.configPath) : settings.configPath;
  await makePrivateFolder(dirname(path));
  const before = await textOf(path);
  const changes = plan((await parseConfig(before, settings.configPath)).values);
  if (changes.length === 0) return;
  const text = await changed(before, changes, settings.configPath);
  await parseConfig(text, settings.configPath);
  await writePrivateFile(path, text, { overwrite: true });
}

/** The changed text; `path` is for the sentence of the error. */
export async function changed(before: string, changes: readonly Change[], path: string): Promise<string> {
  const { parse, TomlError } = await import("smol-toml");
  const meant = structuredClone(parse(before));
  for (const change of changes) apply(meant, change);
  const text = changes.reduce(changeToml, before);
  try {
    if (isDeepStrictEqual(withoutEmpty(structuredClone(parse(text))), withoutEmpty(meant))) return text;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
  }
  throw new QightError("config", `${path} is written in a way that cannot be changed here without breaking it`, {
    hint: `Nothing was changed. With an editor: ${changes.map(inWords).join("; ")}.`,
  });
}

type Table = { [key: string]: unknown };

function apply(root: Table, change: Change): void {
  const path = "set" in change ? change.set : change.remove;
  let table = root;
  for (const part of path.slice(0, -1)) {
    if (!Object.hasOwn(table, part)) table[part] = {};
    table = table[part] as Table;
  }
  if ("set" in change) table[path.at(-1)!] = change.value;
  else delete table[path.at(-1)!];
}

/** An empty table says nothing: a removed one may leave its parent behind or not. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) return value;
  const kept = Object.entries(value).map(([key, each]) => [key, withoutEmpty(each)] as const)
    .filter(([, each]) => !(isPlain(each) && Object.keys(each).length === 0));
  return Object.fromEntries(kept);
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function inWords(change: Change): string {
  if ("remove" in change) return `take ${tomlKey(change.remove)} out`;
  return `set ${tomlKey(change.set)} = ${tomlString(change.value)}`;
}

async function textOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw new QightError("no_input", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Holds a lock until it is let go of, so that two commands at once do not undo each other's change. */
async function onlyOne({ env }: Settings): Promise<Disposable> {
  const folder = clientStateDir(env);
  await makePrivateFolder(folder);
  const path = join(folder, "config.lock");
  try {
    const file = await Deno.open(path, { write: true, create: true, mode: 0o600 });
    await file.lock(true);
    return file;
  } catch (error) {
    throw new QightError("cannot_create", `Cannot create ${path}: ${(error as Error).message}`, { cause: error });
  }
}
