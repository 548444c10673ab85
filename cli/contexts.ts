/** The contexts of all config.toml files in force: what each says, and which one is in use. @module */
import { QightError } from "../proto/errors.ts";
import { nearName } from "../relay/config/near_name.ts";
import { contextKeys, type ContextSettings } from "./config_keys.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

/** A context as it is in force. */
export interface NamedContext {
  readonly name: string;
  /** Whether commands use it now. */
  readonly inUse: boolean;
  readonly values: ContextSettings;
  /** Files that say something of it, best first. */
  readonly files: readonly string[];
}

/** Names of the contexts, in order of the alphabet. */
export function contextNames({ files }: Pick<Settings, "files">): string[] {
  return [...new Set(files.flatMap(({ values }) => Object.keys(values.context ?? {})))].sort();
}

/** The context of that name; `config` naming the near one when there is none. */
export function contextNamed(settings: Settings, name: string): NamedContext {
  const saying = settings.files.filter(({ values }) => Object.hasOwn(values.context ?? {}, name));
  if (saying.length === 0) throw noContext(settings, name);
  return {
    name,
    inUse: settings.context === name,
    // What the best file says wins, key by key, as in cli/layers.ts.
    values: Object.assign({}, ...saying.map(({ values }) => values.context![name]).reverse()),
    files: saying.map(({ path }) => path),
  };
}

/** The error for a name that no file has; `namedBy` is the flag, variable or line that asked for it. */
export function noContext(
  settings: Pick<Settings, "files" | "configPath">,
  name: string,
  namedBy?: string | null,
): QightError {
  const known = contextNames(settings);
  const near = nearName(name, known);
  const asked = namedBy ? ` (named by ${namedBy})` : "";
  return new QightError("config", `There is no context "${name}" in ${settings.configPath}${asked}`, {
    hint: known.length > 0
      ? `${near ? `Did you mean ${near}? ` : ""}There are: ${known.join(", ")}.`
      : `Make it with qight context add ${name} --relay ADDR.`,
  });
}

/** One line for people, one object for programs; the star marks the context in use. */
export async function printContext(out: Output, { name, inUse, values, files }: NamedContext): Promise<void> {
  const keys = Object.keys(contextKeys) as (keyof ContextSettings)[];
  const settings = Object.fromEntries(keys.map((key) => [key, values[key] || null]));
  await out.result(
    { name, in_use: inUse, ...settings, files },
    `${inUse ? "*" : " "} ${name}  ${values.relay || "no relay"}`,
  );
}
