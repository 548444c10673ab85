/**
 * Puts a restored database and root key in their places and what was there aside.
 * @module
 */

import { basename, dirname, join } from "node:path";
import { QightError } from "../../proto/errors.ts";
import { pathError } from "../data_folder/folder.ts";
import { syncFolder } from "../data_folder/private_file.ts";
import { parseRootKey, rootKeyFromSeed } from "../data_folder/root_key.ts";

/** Throws `would_overwrite` when a database or another relay's root key is there already. */
export async function refuseToOverwrite(at: { folder: string; target: string; root: Uint8Array }): Promise<void> {
  const key = join(at.folder, "root.key");
  const hint = "Restore into an empty folder, or say that the old files may be moved aside (--force).";
  if (await readable(at.target) !== null) throw new QightError("would_overwrite", `${at.target} exists`, { hint });
  if (!await holdsRoot(key, at.root)) throw new QightError("would_overwrite", `${key} is another relay's`, { hint });
}

/** Moves old files aside and the new ones in; returns where the old ones are, or null when there were none. */
export async function putInPlace(at: {
  folder: string;
  target: string;
  copy: string;
  key: string;
  root: Uint8Array;
  now: number;
}): Promise<string | null> {
  const key = join(at.folder, "root.key");
  const aside = join(at.folder, `before-restore-${new Date(at.now).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`);
  let moved = false;
  const moveAside = async (path: string, keep = false) => {
    if (await readable(path) === null) return;
    await Deno.mkdir(aside, { recursive: true, mode: 0o700 });
    if (keep) await Deno.link(path, join(aside, basename(path)));
    else await Deno.rename(path, join(aside, basename(path)));
    moved = true;
  };
  await Deno.mkdir(dirname(at.target), { recursive: true, mode: 0o700 });
  if (!await holdsRoot(key, at.root)) {
    // The old leaf is signed by the old root. The key's name is never empty, else a crash here would make a new relay.
    await moveAside(join(at.folder, "leaf.pem"));
    await moveAside(key, true);
  }
  await Deno.rename(at.key, key);
  // The log goes first: a new database must never meet the old one's log.
  for (const suffix of ["-wal", "-shm", ""]) await moveAside(at.target + suffix);
  await Deno.rename(at.copy, at.target);
  await syncFolder(at.folder);
  await syncFolder(dirname(at.target));
  return moved ? aside : null;
}

async function holdsRoot(key: string, root: Uint8Array): Promise<boolean> {
  const bytes = await readable(key, true);
  if (bytes === null) return true;
  const stored = await rootKeyFromSeed(parseRootKey(new TextDecoder().decode(bytes), key));
  return stored.publicKey.toHex() === root.toHex();
}

// A file's bytes (or none of them, when only its presence matters); null when it is not there.
async function readable(path: string, contents = false): Promise<Uint8Array | null> {
  try {
    return contents ? await Deno.readFile(path) : ((await Deno.lstat(path)), new Uint8Array());
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw pathError("cannot_create", "Cannot look at", path, thrown);
  }
}
