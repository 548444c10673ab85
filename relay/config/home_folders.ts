/**
 * Where a system keeps the files of a user's programs: the XDG folders, and the habits of macOS and Windows.
 * @module
 */

import { posix, win32 } from "node:path";
import { QightError } from "../../proto/errors.ts";

/** What a folder is for. */
export type FolderKind = "config" | "data" | "state" | "cache";

/**
 * The folder for files of that kind, without the program's name in it: `$XDG_…_HOME` wherever it is set, else what the
 * system's users expect. `os` is `Deno.build.os`; throws `config` when nothing says where home is.
 */
export function homeFolder(kind: FolderKind, os: string, env: (name: string) => string | undefined): string {
  const path = os === "windows" ? win32 : posix;
  const { variable, windows, mac, other } = habits[kind];
  const chosen = env(variable);
  // XDG Base Directory Specification: relative paths are invalid and ignored.
  if (chosen && path.isAbsolute(chosen)) return chosen;
  const roaming = os === "windows" ? env(windows) : undefined;
  if (roaming) return roaming;
  const home = os === "windows" ? env("USERPROFILE") ?? env("HOME") : env("HOME");
  if (!home) {
    const asked = os === "windows" ? `${variable}, ${windows} nor USERPROFILE` : `${variable} nor HOME`;
    throw new QightError("config", `Cannot find a folder for ${kind} files: neither ${asked} is set`);
  }
  if (os === "windows") return path.join(home, "AppData", windows === "APPDATA" ? "Roaming" : "Local");
  return path.join(home, os === "darwin" ? mac : other);
}

// macOS: File System Programming Guide, "Library Directory"; Windows: Known Folders (RoamingAppData follows the user
// from machine to machine, LocalAppData stays). Neither has a place of its own for state.
const habits: Readonly<Record<FolderKind, { variable: string; windows: string; mac: string; other: string }>> = {
  config: habit("XDG_CONFIG_HOME", "APPDATA", "Library/Application Support", ".config"),
  data: habit("XDG_DATA_HOME", "LOCALAPPDATA", "Library/Application Support", ".local/share"),
  state: habit("XDG_STATE_HOME", "LOCALAPPDATA", "Library/Application Support", ".local/state"),
  cache: habit("XDG_CACHE_HOME", "LOCALAPPDATA", "Library/Caches", ".cache"),
};

function habit(variable: string, windows: string, mac: string, other: string) {
  return { variable, windows, mac, other };
}
