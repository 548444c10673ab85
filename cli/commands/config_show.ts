/** `qight config show`: the settings in force. @module */
import { formatDuration } from "../../relay/config/durations.ts";
import { formatSize } from "../../relay/config/sizes.ts";
import type { Source } from "../layers.ts";
import type { Settings } from "../settings.ts";
import type { configShowSpec } from "../tree/config.ts";
import type { Call } from "../tree/spec.ts";

/** Prints each setting, with `--origin` also where it comes from. Paths of secrets are shown, never what is in them. */
export async function run({ options, settings, out }: Call<typeof configShowSpec>): Promise<void> {
  const values = valuesOf(settings);
  if (out.json) {
    if (!options.origin) return await out.object(values);
    const withOrigin = Object.entries(values).map(([name, value]) => [name, { value, ...settings.origins[name] }]);
    return await out.object(Object.fromEntries(withOrigin));
  }
  for (const [name, value] of Object.entries(values)) {
    const from = options.origin ? `  (${shown(settings.origins[name])})` : "";
    await out.line(`${name.padEnd(18)} ${value ?? "-"}${from}`);
  }
}

/** Flags and variables have settings of their own names; what only config.toml has is called as there. */
function valuesOf(settings: Settings): Record<string, string | boolean | null> {
  return {
    config: settings.configPath,
    context: settings.context ?? null,
    relay: settings.relay ?? null,
    identity: settings.identity,
    data_dir: settings.dataDir,
    passphrase_file: settings.passphraseFile ?? null,
    token_file: settings.tokenFile ?? null,
    timeout: formatDuration(settings.timeoutMs),
    log_format: settings.logFormat ?? null,
    json: settings.json,
    "output.color": settings.color ?? null,
    "output.time": settings.utc ? "utc" : "local",
    "repl.notify": settings.repl.notify,
    "repl.timestamps": settings.repl.timestamps,
    "repl.history": settings.repl.history,
    "groups.ask": settings.groups.ask,
    "receipts.send": settings.receipts.send,
    "history.keep": settings.history.keep,
    "files.save_dir": settings.saving.saveDir ?? null,
    "files.auto_accept": settings.saving.autoAccept,
    "files.max": formatSize(settings.saving.max),
  };
}

function shown({ origin, source }: Source): string {
  if (origin === "default") return "built-in";
  return origin === "system" ? `${source}, for all users` : source!;
}
