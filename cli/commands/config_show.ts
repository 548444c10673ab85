/** `qight config show`: the settings in force. @module */
import type { configShowSpec } from "../tree/rest.ts";
import type { Call } from "../tree/spec.ts";

/** Prints each setting, with `--origin` also where it comes from. Paths of secrets are shown, never what is in them. */
export async function run({ options, settings, out }: Call<typeof configShowSpec>): Promise<void> {
  const values: Record<string, string | boolean | null> = {
    config: settings.configPath,
    context: settings.context ?? null,
    relay: settings.relay ?? null,
    identity: settings.identity,
    data_dir: settings.dataDir,
    passphrase_file: settings.passphraseFile ?? null,
    token_file: settings.tokenFile ?? null,
    timeout: `${settings.timeoutMs / 1000}s`,
    json: settings.json,
  };
  if (out.json) {
    const origin = (name: string) => settings.origins[name] ?? "default";
    const shown = options.origin
      ? Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, origin: origin(name) }]))
      : values;
    return await out.object(shown);
  }
  for (const [name, value] of Object.entries(values)) {
    const from = options.origin ? `  (${settings.origins[name] ?? "default"})` : "";
    await out.line(`${name.padEnd(16)} ${value ?? "-"}${from}`);
  }
}
