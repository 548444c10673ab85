/**
 * Where a system keeps the files of a program: the XDG folders, and the habits of macOS and Windows.
 * @module
 */

import { posix, win32 } from "node:path";
import { QightError } from "../../proto/errors.ts";

/** What a folder is for. */
export type FolderKind = "config" | "data" | "state" | "cache";

type Ask = (name: string) => string | undefined;

/**
 * The folder of a program for files of that kind: in `$XDG_…_HOME` wherever that is set, else where the system's users
 * look. `os` is `Deno.build.os`; throws `config` when nothing says where home is.
 */
export function programFolder(program: string, kind: FolderKind, os: string, env: Ask): string {
  const path = os === "windows" ? win32 : posix;
  const habit = habits[kind];
  const chosen = env(habit.variable);
  // XDG Base Directory Specification: relative paths are invalid and ignored.
  if (chosen && path.isAbsolute(chosen)) return path.join(chosen, program);
  const own = os === "darwin" ? habit.mac : os === "windows" ? habit.windows : habit.other;
  return path.join(baseOf(own.base, habit.variable, os, env), program, own.below);
}

/** Folders in which an administrator may leave a file for all users, best first. */
export function systemFolders(program: string, os: string, env: Ask): string[] {
  if (os === "windows") {
    const shared = env("PROGRAMDATA");
    return shared ? [win32.join(shared, program)] : [];
  }
  // XDG Base Directory Specification: /etc/xdg when nothing is set, relative paths are ignored.
  const chosen = (env("XDG_CONFIG_DIRS") ?? "/etc/xdg").split(":").filter((folder) => posix.isAbsolute(folder));
  const mac = os === "darwin" ? [`/Library/Application Support/${program}`] : [];
  return [...chosen.map((folder) => posix.join(folder, program)), ...mac, `/etc/${program}`];
}

function baseOf(base: string, variable: string, os: string, env: Ask): string {
  if (os !== "windows") {
    const home = env("HOME");
    if (home) return posix.join(home, base);
    throw new QightError("config", `Cannot find a folder for files: neither ${variable} nor HOME is set`);
  }
  const set = env(base);
  if (set) return set;
  const home = env("USERPROFILE") ?? env("HOME");
  if (home) return win32.join(home, "AppData", base === "APPDATA" ? "Roaming" : "Local");
  throw new QightError("config", `Cannot find a folder for files: none of ${variable}, ${base}, USERPROFILE is set`);
}

interface Habit {
  readonly variable: string;
  readonly other: Place;
  readonly mac: Place;
  readonly windows: Place;
}

/** A folder below home (on Windows a variable that names it), and what follows the program's name. */
interface Place {
  readonly base: string;
  readonly below: string;
}

const at = (base: string, below = ""): Place => ({ base, below });
const SUPPORT = "Library/Application Support";

// macOS: File System Programming Guide, "Library Directory"; Windows: Known Folders (RoamingAppData follows the user
// from machine to machine, LocalAppData stays). Neither has a place of its own for state.
const habits: Readonly<Record<FolderKind, Habit>> = {
  config: { variable: "XDG_CONFIG_HOME", other: at(".config"), mac: at(SUPPORT), windows: at("APPDATA") },
  data: { variable: "XDG_DATA_HOME", other: at(".local/share"), mac: at(SUPPORT), windows: at("LOCALAPPDATA") },
  state: {
    variable: "XDG_STATE_HOME",
    other: at(".local/state"),
    mac: at(SUPPORT, "state"),
    windows: at("LOCALAPPDATA", "state"),
  },
  cache: {
    variable: "XDG_CACHE_HOME",
    other: at(".cache"),
    mac: at("Library/Caches"),
    windows: at("LOCALAPPDATA", "cache"),
  },
};
