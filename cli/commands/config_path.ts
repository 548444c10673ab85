/** `qight config path`: where config.toml is. @module */
import type { Call } from "../tree/spec.ts";

/** Prints the path, whether or not the file exists. */
export async function run({ settings, out }: Call): Promise<void> {
  await out.result({ path: settings.configPath }, settings.configPath);
}
