/**
 * One relay per folder: an flock, which the kernel gives back even after kill -9.
 * @module
 */

import { join } from "node:path";
import { QightError } from "../../proto/errors.ts";
import { pathError } from "./folder.ts";

/** A held lock. */
export interface FolderLock {
  /** Gives it back; idempotent. */
  release(): void;
}

/** Takes the folder's lock or throws `already_running`. The file stays: removing it would race with the next holder. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, "lock");
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (thrown) {
    throw pathError("cannot_create", "Cannot create", path, thrown);
  }
  let locked = false;
  try {
    locked = await file.tryLock(true);
  } catch (thrown) {
    file.close();
    throw pathError("cannot_create", "Cannot lock", path, thrown);
  }
  if (!locked) {
    file.close();
    throw new QightError("already_running", `Another relay uses the data folder ${folder}`);
  }
  let open = true;
  return {
    release() {
      if (open) file.close();
      open = false;
    },
  };
}
