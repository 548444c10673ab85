/** `qight context add`: writes a named set of settings into config.toml. @module */
import { isAbsolute, join } from "node:path";
import { parseRelayAddress } from "../../net/address.ts";
import { QightError } from "../../proto/errors.ts";
import { editConfig } from "../config_edit.ts";
import type { ContextSettings } from "../config_keys.ts";
import { contextNames, printContext } from "../contexts.ts";
import type { Output } from "../output.ts";
import type { Settings } from "../settings.ts";
import type { contextAddSpec } from "../tree/context.ts";
import type { Call } from "../tree/spec.ts";

/** Adds the context; the first one is in use at once. */
export async function run({ args: [name], options, settings, out }: Call<typeof contextAddSpec>): Promise<void> {
  const others = contextNames(settings).length > 0;
  await addContext(name, settings, out, { replace: options.force, use: !others });
}

/** How to add one. */
export interface Adding {
  /** Whether one of that name may be changed; `would_overwrite` otherwise. */
  readonly replace?: boolean;
  /** Whether it is in use from now on if none is yet. */
  readonly use: boolean;
}

/** Writes what the global options of `settings` say under a name, and shows it. */
export async function addContext(
  name: string,
  settings: Settings,
  out: Output,
  { replace, use }: Adding,
): Promise<void> {
  if (!NAME.test(name)) throw new QightError("bad_name", `"${name}" cannot be the name of a context`, { hint: HINT });
  const given = givenOnThisLine(settings);
  const first = use && settings.files.every(({ values }) => !values.default_context);
  let values: ContextSettings = given;
  await editConfig(settings, ({ context = {} }) => {
    const before = Object.hasOwn(context, name) ? context[name] : undefined;
    if (before && !replace) throw exists(name, settings);
    if (!before && given.relay === undefined) throw noRelay(settings);
    values = { ...before, ...given };
    const changes = Object.entries(given).map(([key, value]) => ({ set: ["context", name, key], value }));
    return first ? [{ set: ["default_context"], value: name }, ...changes] : changes;
  });
  const inUse = (first ? settings.context ?? name : settings.context) === name;
  await printContext(out, { name, inUse, values, files: [settings.configPath] });
  if (!inUse) out.detail(`qight context use ${name} makes it the one in use`);
}

// Bare keys of TOML and dots; the same beginning and length as the names of contacts.
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const HINT =
  "A name has 1 to 64 letters (a-z), digits, dots, dashes or underscores, and begins with a letter or digit.";

/**
 * Paths are written whole: a relative one in config.toml would mean beside that file. `~/`, which a shell leaves alone in
 * quotes, is the home folder as it is in that file.
 */
function givenOnThisLine({ flags, env }: Settings): ContextSettings {
  const home = env("HOME");
  const whole = (path: string | undefined) => {
    if (path === undefined || path === "-" || isAbsolute(path)) return path;
    return path.startsWith("~/") && home ? join(home, path.slice(2)) : join(Deno.cwd(), path);
  };
  const given = {
    relay: flags.relay && parseRelayAddress(flags.relay).text,
    identity: whole(flags.identity),
    timeout: flags.timeout,
    passphrase_file: whole(flags.passphraseFile),
    token_file: whole(flags.tokenFile),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
}

function exists(name: string, { configPath }: Settings): QightError {
  return new QightError("would_overwrite", `There is a context "${name}" in ${configPath} already`, {
    hint: "Use another name, or --force to change what is given.",
  });
}

function noRelay({ env }: Settings): QightError {
  const why = env("QIGHT_RELAY") ? "; QIGHT_RELAY is not written down" : "";
  return new QightError("usage", `A context needs --relay ADDR on this line${why}`, {
    hint: "ADDR is the line that qight relay prints: qight://ROOT@host:port.",
  });
}
