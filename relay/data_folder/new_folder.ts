/**
 * Makes folders whose names survive a power cut, not only what is synced inside them.
 * @module
 */
import { dirname } from "node:path";

/**
 * Makes the folder and those above it (mode 0700) where they are missing, and syncs each folder that got a new name:
 * without that a power cut may take the whole folder, whatever was synced in it (found by prove, power-loss).
 * Resolves with the folders that were synced, outermost first.
 */
export function makeFolder(path: string): Promise<string[]> {
  return make(path, false);
}

async function make(path: string, isSecondTry: boolean): Promise<string[]> {
  const above = dirname(path);
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) return [];
    // /proc makes no folders, and says so as if the one above were missing: a second try says the same, and a third would.
    if (!(thrown instanceof Deno.errors.NotFound) || above === path || isSecondTry) throw thrown;
    return [...await make(above, false), ...await make(path, true)];
  }
  using handle = await openedFolder(above);
  await handle?.sync();
  return handle ? [above] : [];
}

/** Null for a folder that one may write to but not read: then its names cannot be synced from here. */
async function openedFolder(path: string): Promise<Deno.FsFile | null> {
  try {
    return await Deno.open(path, { read: true });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.PermissionDenied) return null;
    throw thrown;
  }
}
