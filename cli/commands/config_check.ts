/** `qight config check`: whether config.toml is right. @module */
import { parseRelayAddress } from "../../net/address.ts";
import { parseDuration } from "../../relay/config/durations.ts";
import { readConfigFile } from "../config_file.ts";
import { exists } from "../paths.ts";
import type { Call } from "../tree/spec.ts";

/** Exit 0 when the file is right (or absent), 78 naming line and column when not. */
export async function run({ settings, out }: Call): Promise<void> {
  const there = await exists(settings.configPath);
  const file = await readConfigFile(settings.configPath, settings.configGiven);
  for (const context of Object.values(file.context)) {
    if (context.relay !== undefined) parseRelayAddress(context.relay);
    if (context.timeout !== undefined) parseDuration(context.timeout);
  }
  const text = there ? `${settings.configPath} is valid` : `${settings.configPath} does not exist; defaults are used`;
  await out.result({ path: settings.configPath, exists: there, valid: true }, text);
}
