/**
 * Folders that only their owner may enter.
 * @module
 */

import { type ErrorCode, QightError } from "../../proto/errors.ts";
import { makeFolder } from "./new_folder.ts";

// What may lie in a folder that this relay tightens by itself; anything else was not made for a relay.
const ours = /^(lost\+found|relay\.|root\.key|leaf\.pem|lock$|audit\.log|admin\.sock|before-restore-)/;

/**
 * Makes the folder with mode 0700, or makes sure that an existing one has it. A folder with foreign files
 * (a mistyped /tmp or home) is refused instead of being locked away from its users.
 */
export async function preparePrivateFolder(folder: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    await makeFolder(folder);
    info = await Deno.stat(folder);
  } catch (thrown) {
    throw pathError("cannot_create", "Cannot create the folder", folder, thrown);
  }
  if (!info.isDirectory) throw new QightError("cannot_create", `${folder} is not a folder`);
  if (info.mode === null || (info.mode & 0o077) === 0) return;
  const foreign = await firstForeign(folder);
  if (foreign !== null || (info.mode & 0o1000) !== 0) {
    throw new QightError(
      "insecure_config",
      `The folder ${folder} is open to other users (mode ${octal(info.mode)})` +
        (foreign === null ? "" : ` and holds ${foreign}, which is not the relay's`),
      { hint: `Choose a folder of its own with --data-dir, or run: chmod 700 ${folder}` },
    );
  }
  try {
    await Deno.chmod(folder, 0o700);
  } catch (thrown) {
    throw pathError(
      "insecure_config",
      "Other users can enter, and the mode cannot be changed to 0700:",
      folder,
      thrown,
    );
  }
}

/** A QightError about a path; the system's words are kept as the cause. */
export function pathError(code: ErrorCode, doing: string, path: string, thrown: unknown): QightError {
  const reason = thrown instanceof Error ? thrown.message.replace(/:? ?'[^']*'$/, "") : String(thrown);
  return new QightError(code, `${doing} ${path}: ${reason}`, { cause: thrown });
}

/** Permission bits as people write them. */
export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}

/** The error for a folder whose relay does not run, for commands that need one. */
export function notRunning(socketPath: string, cause?: unknown): QightError {
  return new QightError("unreachable", `No relay runs here: nothing answers at ${socketPath}`, {
    cause,
    hint: "Start it with qight relay, or name its folder with --data-dir.",
  });
}

async function firstForeign(folder: string): Promise<string | null> {
  try {
    for await (const entry of Deno.readDir(folder)) if (!ours.test(entry.name)) return entry.name;
  } catch (thrown) {
    throw pathError("cannot_create", "Cannot read the folder", folder, thrown);
  }
  return null;
}
