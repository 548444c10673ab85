/** Where files live: the XDG folders of a client and the data folder of a relay. @module */
import { join } from "node:path";
import { programFolder, systemFolders } from "../relay/config/home_folders.ts";

export { exists, makePrivateFolder, writePrivateFile } from "../client/storage/private_file.ts";

/** Environment variables; set but empty counts as unset. */
export type Env = (name: string) => string | undefined;

/** The process's environment, with empty values as unset. */
export const processEnv: Env = (name) => Deno.env.get(name) || undefined;

/** `$XDG_CONFIG_HOME/qight/config.toml`, or where macOS and Windows keep such files. */
export function clientConfigPath(env: Env, os: string = Deno.build.os): string {
  return join(programFolder("qight", "config", os, env), "config.toml");
}

/** A config.toml for all users of the machine, best first: in `$XDG_CONFIG_DIRS`, then in /etc/qight. */
export function systemConfigPaths(env: Env, os: string = Deno.build.os): string[] {
  return systemFolders("qight", os, env).map((folder) => join(folder, "config.toml"));
}

/** `$XDG_DATA_HOME/qight`, or where macOS and Windows keep such files. */
export function clientDataDir(env: Env, os: string = Deno.build.os): string {
  return programFolder("qight", "data", os, env);
}

/** `$XDG_STATE_HOME/qight`: what a program remembers and may lose, such as the context before this one. */
export function clientStateDir(env: Env, os: string = Deno.build.os): string {
  return programFolder("qight", "state", os, env);
}
