/**
 * Where the relay keeps its data and finds its relay.toml when nobody says.
 * @module
 */

import { join } from "node:path";
import { programFolder } from "./home_folders.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The data folder: as chosen (flag or key), else `$STATE_DIRECTORY`, else /var/lib/qight for root, else the user's. */
export function relayDataDir(from: { chosen?: string; env: Environment; root: boolean; os?: string }): string {
  if (from.chosen) return from.chosen;
  // systemd.exec(5): several state directories are separated by colons.
  const state = from.env.STATE_DIRECTORY?.split(":")[0];
  if (state) return state;
  if (from.root) return "/var/lib/qight";
  return programFolder("qight-relay", "data", from.os ?? Deno.build.os, (name) => from.env[name] || undefined);
}

/**
 * Where relay.toml may be, best first. `required` means that a missing file is an error; others are skipped
 * when they are not readable.
 */
export function relayTomlCandidates(from: {
  config?: string;
  dataDir?: string;
  env: Environment;
  root: boolean;
}): { path: string; required: boolean }[] {
  if (from.config) return [{ path: from.config, required: true }];
  const chosen = from.dataDir || from.env.QIGHT_DATA_DIR || from.env.QIGHT_CFG__DATA_DIR;
  const candidates = [{ path: join(relayDataDir({ ...from, chosen }), "relay.toml"), required: false }];
  if (!from.dataDir) candidates.push({ path: "/etc/qight/relay.toml", required: false });
  return candidates;
}
