/**
 * Makes a new data folder out of what can still be read in a damaged one, and never touches the damaged one.
 * @module
 */
import { basename, join, relative, resolve } from "node:path";
import { QightError } from "../proto/errors.ts";
import { pathError } from "./data_folder/folder.ts";
import { makeFolder } from "./data_folder/new_folder.ts";
import { syncFolder, writePrivateFile } from "./data_folder/private_file.ts";
import { parseRootKey } from "./data_folder/root_key.ts";
import { salvageDatabase, type SalvageReport } from "./storage/salvage/salvage.ts";

export type { SalvageReport } from "./storage/salvage/salvage.ts";

/** What was brought over beside the database. */
export interface SalvagedFolder extends SalvageReport {
  /** Files copied byte for byte. */
  readonly files: readonly string[];
  /** False when the relay's identity is missing or damaged: the new folder needs it from elsewhere. */
  readonly rootKey: boolean;
}

/** Files of the folder that are worth as much as the database; the certificate and the lock make themselves. */
const otherFiles = ["relay.toml", "audit.log"];

/**
 * Reads `dataDir` and makes `out`, which must be absent or empty. Throws `no_input` without a database, `already_running`
 * while a relay uses the folder, `would_overwrite`, `cannot_create`, `usage` when `out` lies inside `dataDir`.
 */
export async function salvageFolder(options: {
  dataDir: string;
  out: string;
  /** `storage.path`, when it is not relay.db. */
  database?: string;
  now?: () => number;
  /** Hears how many pages are read, of how many; each page is read several times. */
  progress?: (done: number, all: number) => void;
}): Promise<SalvagedFolder> {
  const { database = "relay.db", now = Date.now, progress = () => {} } = options;
  const [folder, out] = [resolve(options.dataDir), resolve(options.out)];
  const source = resolve(folder, database);
  if (!relative(folder, out).startsWith("..")) {
    throw new QightError("usage", `${out} lies inside the damaged folder, which is left alone`);
  }
  if (!await isThere(source)) {
    throw new QightError("no_input", `There is no database ${source}`, {
      hint: "Name the relay's folder with --data-dir.",
    });
  }
  using _lock = await lockUntouched(folder);
  await prepareOut(out);
  const target = join(out, basename(database));
  try {
    const report = await salvageDatabase({
      source,
      log: await readWhole(`${source}-wal`) ?? new Uint8Array(0),
      target,
      nowMs: now(),
      progress,
    });
    const rootKey = await copyRootKey(folder, out);
    const files: string[] = [];
    for (const name of otherFiles) if (await copyFile(folder, out, name)) files.push(name);
    await syncFolder(out);
    return { ...report, files, rootKey };
  } catch (thrown) {
    await Deno.remove(out, { recursive: true }); // it was empty or absent
    throw thrown instanceof QightError ? thrown : pathError("io", "Cannot salvage", source, thrown);
  }
}

async function prepareOut(out: string): Promise<void> {
  try {
    await makeFolder(out);
    for await (const { name } of Deno.readDir(out)) {
      throw new QightError("would_overwrite", `${out} is not empty: it holds ${name}`, { hint: "Name a new folder." });
    }
    await Deno.chmod(out, 0o700);
  } catch (thrown) {
    throw thrown instanceof QightError ? thrown : pathError("cannot_create", "Cannot create the folder", out, thrown);
  }
}

/** Holds the folder's lock without making or writing a file; a folder that never had a lock has no relay. */
async function lockUntouched(folder: string): Promise<Disposable> {
  const path = join(folder, "lock");
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return { [Symbol.dispose]: () => {} };
    throw pathError("no_input", "Cannot read", path, thrown);
  }
  if (await file.tryLock(true)) return file;
  file.close();
  throw new QightError("already_running", `A relay uses the data folder ${folder}`, { hint: "Stop it first." });
}

/** Copies the key when it is one. */
async function copyRootKey(folder: string, out: string): Promise<boolean> {
  const bytes = await readWhole(join(folder, "root.key"));
  if (bytes === null) return false;
  try {
    parseRootKey(new TextDecoder().decode(bytes), "root.key");
  } catch (thrown) {
    if (thrown instanceof QightError) return false;
    throw thrown;
  }
  await writePrivateFile(join(out, "root.key"), bytes, { isNew: true });
  return true;
}

async function copyFile(folder: string, out: string, name: string): Promise<boolean> {
  const bytes = await readWhole(join(folder, name));
  if (bytes !== null) await writePrivateFile(join(out, name), bytes, { isNew: true });
  return bytes !== null;
}

/** A file's bytes; null when there is none. */
async function readWhole(path: string): Promise<Uint8Array | null> {
  try {
    return await Deno.readFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw pathError("no_input", "Cannot read", path, thrown);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw pathError("no_input", "Cannot look at", path, thrown);
  }
}
