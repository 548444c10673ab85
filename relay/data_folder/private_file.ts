/**
 * Files with mode 0600 that appear whole or not at all, also after a power cut.
 * @module
 */

import { dirname } from "node:path";
import { pathError } from "./folder.ts";

/** Writes the file beside its place, syncs it, and moves it there; an older file is replaced unless `isNew`. */
export async function writePrivateFile(
  path: string,
  contents: string | Uint8Array,
  options: { isNew?: boolean } = {},
): Promise<void> {
  const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  const temporary = `${path}.${crypto.getRandomValues(new Uint8Array(6)).toHex()}.new`;
  try {
    {
      using file = await Deno.open(temporary, { write: true, createNew: true, mode: 0o600 });
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    // link(2) refuses to replace a file, rename(2) replaces it: both in one step.
    if (options.isNew) {
      await Deno.link(temporary, path);
      await Deno.remove(temporary);
    } else await Deno.rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    await removeIfThere(temporary);
    const code = thrown instanceof Deno.errors.AlreadyExists ? "would_overwrite" : "cannot_create";
    throw pathError(code, "Cannot write", path, thrown);
  }
}

/** Makes renames in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders as files, and NTFS journals renames by itself.
  if (Deno.build.os === "windows") return;
  using handle = await Deno.open(folder, { read: true });
  await handle.sync();
}

/** Removes a file; one that is not there is fine. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw pathError("io", "Cannot remove", path, thrown);
  }
}
