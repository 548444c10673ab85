/**
 * Copies a relay to one file while it serves, and makes a relay of such a file again.
 * @module
 */

import { dirname, isAbsolute, join, resolve } from "node:path";
import { QightError } from "../proto/errors.ts";
import { openBackupFile, writeBackupFile } from "./backup/backup_file.ts";
import { checkDatabaseCopy } from "./backup/database_copy.ts";
import { putInPlace, refuseToOverwrite } from "./backup/placement.ts";
import { pathError, preparePrivateFolder } from "./data_folder/folder.ts";
import { lockFolder } from "./data_folder/lock.ts";
import { syncFolder, writePrivateFile } from "./data_folder/private_file.ts";
import { rootKeyFromSeed, rootKeyText } from "./data_folder/root_key.ts";
import type { Store } from "./storage/store.ts";

/**
 * Writes database and root key to a new file, mode 0600. With a null passphrase anybody who gets the file is the relay.
 * Throws `would_overwrite`, `cannot_create`. Beside `path` a folder (0700) holds the copy while this runs.
 */
export async function writeBackup(options: {
  store: Pick<Store, "backup">;
  rootSeed: Uint8Array;
  path: string;
  passphrase: string | null;
  now?: () => number;
  /** Hears where the copy of the database grows, and then how many of its bytes are in the backup. */
  progress?: (copy: string, written: number) => void;
}): Promise<void> {
  const { store, rootSeed, path, passphrase, now = Date.now, progress = () => {} } = options;
  if (!isAbsolute(path)) throw new QightError("usage", `The path of a backup must be absolute, not ${path}`);
  if (passphrase === "") throw new QightError("usage", "The passphrase is empty");
  if (await isThere(path)) throw inTheWay(path);
  const scratch = await makeScratch(dirname(path), ".qight-backup-");
  try {
    const copy = join(scratch, "relay.db");
    progress(copy, 0);
    await store.backup(copy);
    const whole = join(scratch, "backup");
    {
      using database = await Deno.open(copy, { read: true });
      using out = await Deno.open(whole, { write: true, createNew: true, mode: 0o600 });
      await writeBackupFile({
        out,
        database,
        facts: { rootSeed, madeAtMs: now() },
        passphrase,
        progress: (n) => progress(copy, n),
      });
      await out.sync();
    }
    await Deno.link(whole, path); // unlike rename, this never replaces a file that came meanwhile
    await syncFolder(dirname(path));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) {
      throw inTheWay(path, thrown);
    }
    throw thrown instanceof QightError ? thrown : pathError("cannot_create", "Cannot write the backup", path, thrown);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** What was restored. */
export interface Restored {
  /** ROOT of the relay that the backup was made of. */
  readonly root: Uint8Array;
  readonly madeAtMs: number;
  /** Where an older database and key were moved to; null when there were none. */
  readonly movedAside: string | null;
}

/**
 * Makes a data folder of a backup. Everything is verified first: header, every chunk, then the database itself in a
 * folder of its own; only then names change. Throws `bad_backup`, `wrong_passphrase`, `passphrase_needed`, `no_input`,
 * `already_running`, and `would_overwrite` when the folder has a database (or another root key) and `replace` is not
 * set; with it the old files are moved aside, never deleted.
 */
export async function restoreBackup(options: {
  path: string;
  dataDir: string;
  passphrase: string | null;
  replace?: boolean;
  /** `storage.path`, when it is not relay.db; inside the data folder. */
  database?: string;
  now?: () => number;
  /** Hears how many bytes are read, of how many; the file is read twice. */
  progress?: (done: number, all: number) => void;
}): Promise<Restored> {
  const { path, passphrase, replace = false, database = "relay.db", now = Date.now, progress = () => {} } = options;
  const folder = resolve(options.dataDir);
  using file = await openToRead(path);
  const all = 2 * (await file.stat()).size;
  let done = 0;
  const read = (bytes: Uint8Array) => progress(done += bytes.length, all);
  const reader = await openBackupFile(file, passphrase);
  const facts = await reader.read((bytes) => Promise.resolve(read(bytes)));
  const { publicKey: root } = await rootKeyFromSeed(facts.rootSeed);

  const isNew = !await isThere(folder);
  await preparePrivateFolder(folder);
  const lock = await lockFolder(folder);
  let restored = false;
  try {
    const target = resolve(folder, database);
    if (!replace) await refuseToOverwrite({ folder, target, root });
    const scratch = await makeScratch(folder, "relay.restore-");
    try {
      const copy = join(scratch, "relay.db");
      {
        using out = await Deno.open(copy, { write: true, createNew: true, mode: 0o600 });
        await reader.read(async (bytes) => {
          for (let at = 0; at < bytes.length;) at += await out.write(bytes.subarray(at));
          read(bytes);
        });
        await out.sync();
      }
      await checkDatabaseCopy(copy);
      const key = join(scratch, "root.key");
      await writePrivateFile(key, rootKeyText(facts.rootSeed));
      const movedAside = await putInPlace({ folder, target, copy, key, root, now: now() });
      restored = true;
      return { root, madeAtMs: facts.madeAtMs, movedAside };
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  } catch (thrown) {
    throw thrown instanceof QightError ? thrown : pathError("cannot_create", "Cannot restore into", folder, thrown);
  } finally {
    lock.release();
    if (isNew && !restored) await Deno.remove(folder, { recursive: true });
  }
}

async function openToRead(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { read: true });
  } catch (thrown) {
    throw pathError("no_input", "Cannot read the backup", path, thrown);
  }
}

async function makeScratch(dir: string, prefix: string): Promise<string> {
  try {
    return await Deno.makeTempDir({ dir, prefix }); // mode 0700
  } catch (thrown) {
    throw pathError("cannot_create", "Cannot create a folder in", dir, thrown);
  }
}

function inTheWay(path: string, cause?: unknown): QightError {
  const hint = "Choose another path, or move the old backup away.";
  return new QightError("would_overwrite", `${path} exists and is not overwritten`, { hint, cause });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw pathError("cannot_create", "Cannot look at", path, thrown);
  }
}
