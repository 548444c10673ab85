/** Finds and reads the relay's configuration for the commands that need it. @module */
import { type Origins, readRelayConfig, type RelayConfig, relayTomlCandidates } from "../relay/config.ts";
import { QightError } from "../proto/errors.ts";
import { refuseWrongName } from "./config_name.ts";
import type { Settings } from "./settings.ts";

/** A relay's configuration and where it was read. */
export interface LoadedRelayConfig {
  readonly config: RelayConfig;
  readonly origins: Origins;
  /** The relay.toml in force; absent when there is none. */
  readonly tomlPath?: string;
}

/** Flags of `qight relay` that stand for keys of relay.toml. */
export interface RelayFlags {
  readonly listen?: readonly string[];
  readonly mdns?: boolean;
}

/** Reads relay.toml, environment and flags by the rule of docs/operations.md. */
export async function loadRelayConfig(settings: Settings, chosen: RelayFlags = {}): Promise<LoadedRelayConfig> {
  const env = Deno.env.toObject();
  const root = Deno.uid() === 0;
  const dataDir = settings.origins.data_dir.origin === "flag" ? settings.dataDir : undefined;
  const candidates = relayTomlCandidates({
    config: settings.configGiven ? settings.configPath : undefined,
    dataDir,
    env,
    root,
  });
  const found = await firstReadable(candidates);
  const flags = {
    listen: chosen.listen,
    "mdns.enabled": chosen.mdns ? "true" : undefined,
    data_dir: dataDir,
    "log.format": settings.logFormat,
    "log.level": settings.debug || settings.verbose > 0 ? "debug" : settings.quiet ? "warn" : settings.env("QIGHT_LOG"),
  };
  const toml = found ? { tomlText: found.text, tomlPath: found.path } : {};
  const { config, origins } = namingFlags(() => readRelayConfig({ env, flags, root, ...toml }));
  return { config, origins, ...(found ? { tomlPath: found.path } : {}) };
}

/** Keys that flags of this command line set, as the user wrote them. */
const FLAGS: Readonly<Record<string, string>> = {
  listen: "--listen",
  "mdns.enabled": "--mdns",
  data_dir: "--data-dir",
  "log.format": "--log-format or QIGHT_LOG_FORMAT",
  "log.level": "QIGHT_LOG",
};

function namingFlags<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof QightError) || error.code !== "config") throw error;
    const message = error.message.replace(/^flag: ([a-z._]+)/gm, (whole, key) => FLAGS[key] ?? whole);
    throw new QightError("config", message, { cause: error });
  }
}

async function firstReadable(candidates: readonly { path: string; required: boolean }[]) {
  for (const { path, required } of candidates) {
    try {
      return { path, text: await Deno.readTextFile(path) };
    } catch (error) {
      const absent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied ||
        error instanceof Deno.errors.NotADirectory;
      if (required || !absent) {
        throw new QightError("no_input", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
      }
      await refuseWrongName(path);
    }
  }
  return undefined;
}
