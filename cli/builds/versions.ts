/**
 * Versions of the one file in the cache. Each process holds a shared flock on the `ok` of the version it runs from, so a
 * version whose `ok` can be locked alone is used by nobody, whatever container or user looks. A start of an old version that
 * has found its folder and does not hold it yet (some 30 ms) may lose it: that start fails, the next one unpacks anew.
 * @module
 */
import { basename, dirname, join } from "node:path";

/** The cache that a build runs from. */
export interface VersionCache {
  /** `…/qight` or `…/qight-UID`. */
  readonly base: string;
  /** Name of the own version: 64 hex digits. */
  readonly own: string;
}

let held: Deno.FsFile | null = null;

/** The cache behind a folder that was unpacked by the one file; null for any other folder. */
export function cacheOf(tree: string | null): VersionCache | null {
  if (tree === null || !isVersion(basename(tree))) return null;
  return { base: dirname(tree), own: basename(tree) };
}

/** Whether a name is that of a version. */
export function isVersion(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** Says for the rest of this process that the own version is in use. */
export function holdOwn({ base, own }: VersionCache): void {
  if (held !== null) return;
  const file = Deno.openSync(join(base, own, "ok"), { read: true });
  file.lockSync(false);
  held = file;
}

/** Takes the hold back. */
export function letGo(): void {
  held?.close();
  held = null;
}

/** Removes the versions that no process uses; gives their names. The own one stays. */
export async function removeUnused({ base, own }: VersionCache): Promise<string[]> {
  const removed: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(base)) {
    if (!isDirectory || !isVersion(name) || name === own || isUsed(join(base, name))) continue;
    await removeVersion(base, name);
    removed.push(name);
  }
  return removed;
}

/** Whether a process runs from a version. One without `ok` was never ready. */
export function isUsed(version: string): boolean {
  try {
    using file = Deno.openSync(join(version, "ok"), { read: true, write: true });
    return !file.tryLockSync(true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Under the new name no start takes it for ready, and the header clears it away should we be killed here. */
async function removeVersion(base: string, name: string): Promise<void> {
  const gone = join(base, `.new.${name}.old.${Deno.pid}`);
  try {
    await Deno.rename(join(base, name), gone);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return; // another process was first
    throw error;
  }
  await Deno.remove(gone, { recursive: true });
}
