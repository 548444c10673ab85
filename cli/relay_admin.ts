/** Asks the running relay over its admin socket. @module */
import { adminCall } from "../relay/admin.ts";
import { adminSocketPath } from "../relay/data_folder.ts";
import { loadRelayConfig } from "./relay_toml.ts";
import type { Settings } from "./settings.ts";

/** Calls a method of the relay whose data folder the settings name; `unreachable` when none runs there. */
export async function askRelay(
  settings: Settings,
  method: string,
  params: Record<string, unknown> = {},
): Promise<unknown> {
  const { config } = await loadRelayConfig(settings);
  return await adminCall(adminSocketPath(config.dataDir, Deno.env.toObject()), method, params);
}
