/** Doctor: config.toml, and relay.toml where a relay lives on this machine. @module */
import { parseRelayAddress } from "../../net/address.ts";
import { exists } from "../paths.ts";
import { loadRelayConfig } from "../relay_toml.ts";
import { type Settings, settle } from "../settings.ts";
import { type Check, failed, ok } from "./check.ts";

/** What config.toml is like, and the settings to go on with: those without it when it is not right. */
export async function checkConfig(bare: Settings): Promise<{ check: Check; settings: Settings }> {
  try {
    const settings = await settle(bare.flags, bare.env, "read");
    if (settings.relay !== undefined) parseRelayAddress(settings.relay);
    const there = await exists(settings.configPath);
    const text = there ? `${settings.configPath} is valid` : `${settings.configPath} does not exist; defaults are used`;
    return { check: ok("config", text), settings };
  } catch (thrown) {
    // The other checks still say something; a relay that was chosen there is not known to them.
    return { check: failed("config", thrown), settings: bare };
  }
}

/** Whether relay.toml is right; null when there is none. */
export async function checkRelayToml(settings: Settings): Promise<Check | null> {
  const { tomlPath } = await loadRelayConfig({ ...settings, configGiven: false });
  return tomlPath === undefined ? null : ok("relay_toml", `${tomlPath} is valid`);
}
