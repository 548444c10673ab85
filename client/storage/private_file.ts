/**
 * Files and folders that only their owner may read, written whole or not at all.
 * @module
 */
import { QightError } from "../../proto/errors.ts";

/** Makes a private folder (0700) with its parents; failures name the path. */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new QightError("cannot_create", `Cannot create the folder ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Writes a private file (0600) whole or not at all: beside it first, then renamed over it. */
export async function writePrivateFile(
  path: string,
  content: string | Uint8Array,
  options: { overwrite: boolean },
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    if (!options.overwrite && await exists(path)) {
      throw new QightError("would_overwrite", `${path} exists and is not overwritten`);
    }
    using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
    await writeAll(file, typeof content === "string" ? new TextEncoder().encode(content) : content);
    await file.sync();
  } catch (error) {
    throw await failedWrite(path, temporary, error);
  }
  try {
    // A hard link refuses an existing name, so two processes cannot both win; a rename replaces.
    if (options.overwrite) await Deno.rename(temporary, path);
    else {
      await Deno.link(temporary, path);
      await Deno.remove(temporary);
    }
  } catch (error) {
    throw await failedWrite(path, temporary, error);
  }
}

/** Whether something is at the path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    // A file where a folder should be: whatever creates the path says so better.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw new QightError("io", `Cannot look at ${path}: ${(error as Error).message}`, { cause: error });
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

async function failedWrite(path: string, temporary: string, error: unknown): Promise<QightError> {
  if (await exists(temporary).catch(() => false)) await Deno.remove(temporary);
  if (error instanceof QightError) return error;
  if (error instanceof Deno.errors.AlreadyExists) {
    return new QightError("would_overwrite", `${path} exists and is not overwritten`, { cause: error });
  }
  return new QightError("cannot_create", `Cannot create ${path}: ${(error as Error).message}`, { cause: error });
}
