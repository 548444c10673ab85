/** What qight keeps on this machine outside of its file, and whether it may be removed without guessing. @module */
import { join } from "node:path";
import { QightError } from "../../proto/errors.ts";
import { relayDataDir } from "../../relay/config/data_dir.ts";
import { clientConfigPath, clientDataDir, clientStateDir, type Env } from "../paths.ts";
import { isUsed, isVersion } from "./versions.ts";

/** One folder. */
export interface Leftover {
  readonly what: "cache" | "data" | "state" | "config" | "relay";
  readonly path: string;
  /** Of all files in it. */
  readonly bytes: number;
}

/** Which folders are asked for, beside the cache. */
export interface Wanted {
  readonly data: boolean;
  readonly relayData: boolean;
}

/** A relay keeps its lock there (relay/data_folder/lock.ts). */
const RELAY_LOCK = "lock";

/**
 * The folders that are there and whose names qight chose itself. Throws `cannot_create` for one that is a link or another
 * user's, or holds what qight did not put there; `already_running` for one in use. Nothing is removed.
 */
export async function findLeftovers(env: Env, wanted: Wanted): Promise<Leftover[]> {
  const places: [Leftover["what"], string][] = cachePlaces(env).map((path) => ["cache", path]);
  if (wanted.data) {
    places.push(["data", clientDataDir(env)], ["state", clientStateDir(env)], [
      "config",
      join(clientConfigPath(env), ".."),
    ]);
  }
  if (wanted.relayData) {
    const STATE_DIRECTORY = env("STATE_DIRECTORY");
    places.push(["relay", relayDataDir({ env: { STATE_DIRECTORY, ...homes(env) }, root: Deno.uid() === 0 })]);
  }
  const found: Leftover[] = [];
  for (const [what, path] of places) {
    if (found.some((other) => other.path === path)) continue;
    const info = await look(path);
    if (info === null) continue;
    assertOurs(path, info);
    if (what === "cache") await assertCache(path);
    if (what === "relay") assertNoRelay(path);
    found.push({ what, path, bytes: await sizeOf(path) });
  }
  return found;
}

/** Where the one file's header may have unpacked (packaging/onefile/header.sh), and where packages keep compiled code. */
function cachePlaces(env: Env): string[] {
  const uid = Deno.uid();
  const given = ["QIGHT_CACHE_DIR", "XDG_CACHE_HOME"].flatMap((name) => {
    const folder = env(name);
    return folder === undefined ? [] : [join(folder, "qight")];
  });
  const home = env("HOME");
  return [
    ...given,
    ...(home === undefined ? [] : [join(home, ".cache/qight")]),
    ...(uid === 0 ? ["/var/cache/qight"] : []),
    join(env("TMPDIR") ?? "/tmp", `qight-${uid}`),
  ];
}

function homes(env: Env): Record<string, string | undefined> {
  return Object.fromEntries(["HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "USERPROFILE"].map((name) => [name, env(name)]));
}

async function look(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw new QightError("io", `Cannot look at ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function assertOurs(path: string, info: Deno.FileInfo): void {
  if (!info.isDirectory) throw refusal(path, "is no folder");
  if (info.uid !== null && info.uid !== Deno.uid()) throw refusal(path, "belongs to another user");
}

/** Only what header and Deno put there. */
async function assertCache(path: string): Promise<void> {
  for await (const { name } of Deno.readDir(path)) {
    if (!isVersion(name) && name !== "deno" && !name.startsWith(".new.")) {
      throw refusal(path, `holds ${name}, which qight did not put there`);
    }
    if (isVersion(name) && isUsed(join(path, name))) {
      throw new QightError("already_running", `A running qight uses ${join(path, name)}`, {
        hint: "End it, and repeat.",
      });
    }
  }
}

function assertNoRelay(path: string): void {
  try {
    using file = Deno.openSync(join(path, RELAY_LOCK), { read: true, write: true });
    if (file.tryLockSync(true)) return;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new QightError("already_running", `A relay uses the data folder ${path}`, { hint: "Stop it, and repeat." });
}

function refusal(path: string, why: string): QightError {
  return new QightError("cannot_create", `${path} is not removed: it ${why}`, {
    hint: "Look at it and remove it yourself; nothing was removed.",
  });
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory ? await sizeOf(path) : (await Deno.lstat(path)).size;
  }
  return bytes;
}
