/** Where files live: the XDG folders of a client and the data folder of a relay. @module */
import { userInfo } from "node:os";
import { join } from "node:path";
import { programFolder, systemFolders } from "../relay/config/home_folders.ts";

export { exists, makePrivateFolder, writePrivateFile } from "../client/storage/private_file.ts";

/** Environment variables; set but empty counts as unset. */
export type Env = (name: string) => string | undefined;

/** The process's environment, with empty values as unset; without HOME the system's list of users says where home is. */
export const processEnv: Env = (name) => Deno.env.get(name) || (name === "HOME" ? homeOfUser() : undefined);

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

/** As getpwuid(3) says; undefined where this user has no entry, as in a bare container. */
function homeOfUser(): string | undefined {
  try {
    return userInfo().homedir || undefined;
  } catch {
    return undefined; // then XDG variables are needed, and the error names both
  }
}
