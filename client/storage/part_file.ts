/**
 * A file that comes from the relay: put together in a `.part` beside its place, and moved there when it is whole.
 * @module
 */
import { createHash } from "node:crypto";
import { basename, dirname, extname, join } from "node:path";
import { equal } from "../../crypto/equal.ts";
import { FILE_CHUNK_BYTES } from "../../crypto/file_cipher.ts";
import { QightError } from "../../proto/errors.ts";
import type { BlobRef } from "../../proto/gen/qight/v1/seal_pb.ts";
import { checkRef, fetchFile, type FileRoom } from "../files.ts";
import { safeName, type SavedFile } from "./save_files.ts";

/** Where a file goes: into a folder under its own name made safe, or to this very path. */
export type Place = { readonly folder: string } | { readonly path: string };

const MAX_COPIES = 10_000;

/**
 * Fetches a file and writes it (0600), going on where an earlier try stopped. Nothing is overwritten: `would_overwrite` for
 * a path that is taken, another name in a folder; the same file again is left as it is. `bad_blob`, `no_such_file`.
 */
export async function saveBlob(
  room: Pick<FileRoom, "relay" | "onProgress" | "signal">,
  { name, blob }: { readonly name: string; readonly blob: BlobRef },
  place: Place,
): Promise<SavedFile> {
  checkRef(blob);
  const [folder, wanted] = "path" in place
    ? [dirname(place.path), basename(place.path)]
    : [place.folder, safeName(name)];
  const about = { name, size: Number(blob.size), sha256: blob.fileSha256.toHex(), data: new Uint8Array(0) };
  const exact = "path" in place;
  const there = await firstFree(folder, wanted, blob, exact);
  if (there.same) return { ...about, path: there.path };
  const part = join(folder, `${wanted}.${blob.sha256.toHex().slice(0, 8)}.part`);
  try {
    if (!exact) await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    for (let again = false;; again = true) {
      using file = await openPart(part);
      const had = await begun(file);
      await fetchFile(room, blob, { chunks: had, write: (plain) => writeAll(file, plain) });
      if (equal(await hashOf(file, Number(blob.size)), blob.fileSha256)) {
        await file.sync();
        break;
      }
      await file.truncate(0);
      // What was there from before may have been somebody else's; all of it anew tells.
      if (had === 0 || again) {
        throw new QightError("bad_blob", `${JSON.stringify(name)} is not the file that the sender named`);
      }
    }
    return { ...about, path: await moveInto(part, folder, wanted, blob, exact) };
  } catch (error) {
    if (error instanceof QightError) throw error;
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotFound) {
      throw new QightError("cannot_create", `Cannot create ${part}: ${error.message}`, { cause: error });
    }
    if (room.signal?.aborted) throw error;
    throw new QightError("io", `Cannot write ${part}: ${(error as Error).message}`, { cause: error });
  }
}

/** A link that somebody put there is not followed. */
async function openPart(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { read: true, write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    if (!(await Deno.lstat(path)).isFile) throw new QightError("cannot_create", `${path} is there and no file`);
    const file = await Deno.open(path, { read: true, write: true });
    if (await file.tryLock(true)) return file;
    file.close();
    throw new QightError("busy", `Another qight is fetching ${path}`);
  }
}

/** Whole chunks of an earlier try; writing goes on behind them. */
async function begun(file: Deno.FsFile): Promise<number> {
  const chunks = Math.floor((await file.stat()).size / FILE_CHUNK_BYTES);
  await file.truncate(chunks * FILE_CHUNK_BYTES);
  await file.seek(0, Deno.SeekMode.End);
  return chunks;
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

async function hashOf(file: Deno.FsFile, size: number): Promise<Uint8Array> {
  const hash = createHash("sha256");
  await file.seek(0, Deno.SeekMode.Start);
  const buffer = new Uint8Array(FILE_CHUNK_BYTES);
  for (let left = size; left > 0;) {
    const count = await file.read(buffer.subarray(0, Math.min(left, buffer.length)));
    if (count === null) break;
    hash.update(buffer.subarray(0, count));
    left -= count;
  }
  return hash.digest();
}

/** The first path that is not taken, or where the same file lies already. */
async function firstFree(
  folder: string,
  name: string,
  { size, fileSha256 }: BlobRef,
  exact: boolean,
): Promise<{ path: string; same: boolean }> {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (let copy = 0; copy < (exact ? 1 : MAX_COPIES); copy++) {
    const path = join(folder, copy === 0 ? name : `${stem} (${copy})${extension}`);
    let info: Deno.FileInfo;
    try {
      info = await Deno.lstat(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return { path, same: false };
      throw new QightError("cannot_create", `Cannot look at ${path}: ${(error as Error).message}`, { cause: error });
    }
    if (exact || !info.isFile || info.size !== Number(size)) continue;
    using file = await Deno.open(path);
    if (equal(await hashOf(file, info.size), fileSha256)) return { path, same: true };
  }
  if (exact) throw new QightError("would_overwrite", `${join(folder, name)} is there already`);
  throw new QightError("cannot_create", `Cannot save ${name} in ${folder}: too many files of that name`);
}

/** A link fails where somebody was faster; rename would take their file's place. */
async function moveInto(part: string, folder: string, name: string, blob: BlobRef, exact: boolean): Promise<string> {
  for (;;) {
    const { path } = await firstFree(folder, name, blob, exact);
    try {
      await Deno.link(part, path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) continue;
      // A file system without hard links: the name is taken first.
      using _taken = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
      await Deno.rename(part, path);
      return path;
    }
    await Deno.remove(part);
    return path;
  }
}
