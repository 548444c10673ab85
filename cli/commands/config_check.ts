/** `qight config check`: whether config.toml is right. @module */
import { parseRelayAddress } from "../../net/address.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import type { LoadedConfig } from "../config_file.ts";
import { refuseWrongName } from "../config_name.ts";
import { exists } from "../paths.ts";
import type { Call } from "../tree/spec.ts";

/** Exit 0 when the files are right (or absent), 78 naming file, line and column when not. */
export async function run({ settings, out }: Call): Promise<void> {
  // Form, keys and the chosen context were checked when the settings were read.
  for (const file of settings.files) checkRelays(file);
  await refuseWrongName(settings.configPath);
  const there = await exists(settings.configPath);
  const text = there ? `${settings.configPath} is valid` : `${settings.configPath} does not exist; defaults are used`;
  const system = settings.files.map(({ path }) => path).filter((path) => path !== settings.configPath);
  await out.result({ path: settings.configPath, exists: there, valid: true, system }, text);
  if (!out.json) { for (const path of system) await out.line(`${path} is valid`); }
}

function checkRelays({ path, values, positions }: LoadedConfig): void {
  for (const [name, { relay }] of Object.entries(values.context ?? {})) {
    if (relay === undefined || relay === "") continue;
    try {
      parseRelayAddress(relay);
    } catch (error) {
      const at = positions.get(`context.${name}.relay`);
      const where = at ? `${path}:${at.line}:${at.column}` : path;
      const { message, hint } = asQightError(error);
      throw new QightError("config", `${where}: context.${name}.relay: ${message}`, { cause: error, hint });
    }
  }
}
