/**
 * The folder of the admin socket (0700 before there is a socket in it) and what a killed relay left there.
 * @module
 */

import { QightError } from "../../proto/errors.ts";
import { octal, pathError } from "../data_folder/folder.ts";
import { removeIfThere } from "../data_folder/private_file.ts";
import { readDoor } from "./loopback_door.ts";

/** Makes the folder with mode 0700; throws `insecure_config` when it is another user's or open to others. */
export async function makeSocketFolder(folder: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    info = await Deno.lstat(folder);
    // systemd with DynamicUser= makes /var/lib/NAME a link of root's to the service's own folder.
    if (info.isSymlink && info.uid === 0 && Deno.uid() !== 0) info = await Deno.stat(folder);
  } catch (thrown) {
    throw pathError("cannot_create", "Cannot make the admin socket's folder", folder, thrown);
  }
  // Under /tmp somebody else may have been first: a link or a foreign folder would give them the socket.
  const owned = info.uid === null || info.uid === Deno.uid();
  // Windows has no such modes; there the folder is below the user's own, which only the user may enter.
  const open = Deno.build.os !== "windows" && ((info.mode ?? 0) & 0o077) !== 0;
  if (!info.isDirectory || !owned || open) {
    throw new QightError(
      "insecure_config",
      `The admin socket's folder ${folder} is not this user's alone (mode ${octal(info.mode ?? 0)})`,
      { hint: `Run: chmod 700 ${folder}, or choose another --data-dir.` },
    );
  }
}

/** Removes a socket that refuses connections; throws `already_running` when one answers. */
export async function removeStaleSocket(path: string): Promise<void> {
  // The file of a loopback port says nothing about who listens there now; the folder's lock keeps a second relay away.
  if (await isFileOfDoor(path)) return await removeIfThere(path);
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return;
    if (thrown instanceof Deno.errors.ConnectionRefused) return await removeIfThere(path);
    throw pathError("cannot_create", "Cannot replace the admin socket", path, thrown);
  }
  connection.close();
  throw new QightError("already_running", `Another relay answers at ${path}`);
}

async function isFileOfDoor(path: string): Promise<boolean> {
  try {
    return await readDoor(path) !== null;
  } catch (thrown) {
    // A damaged one is as stale as any.
    if (thrown instanceof QightError && thrown.code === "bad_key_file") return true;
    throw thrown;
  }
}
