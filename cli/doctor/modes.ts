/** Doctor: who else may read keys and enter folders. @module */
import { QightError } from "../../proto/errors.ts";
import { octal } from "../../relay/data_folder/folder.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** The key file; a missing one is no failure, whoever runs this may only want to look around. */
export async function checkKeyFile(path: string): Promise<Check> {
  const mode = await modeOf(path);
  if (mode === undefined) return warn("key", `There is no key at ${path}`, "Make one with qight key gen.");
  return privateFile("key", path, mode);
}

/** The folder that keys and messages are in. */
export async function checkFolder(path: string): Promise<Check> {
  const mode = await modeOf(path);
  if (mode === undefined) return ok("folder", `${path} does not exist yet; qight key gen makes it`);
  return privateFolder("folder", path, mode);
}

/** The root key of a relay on this machine, and its folder; null when there is none. */
export async function checkRelayFolder(path: string): Promise<Check | null> {
  const key = `${path}/root.key`;
  const [folderMode, keyMode] = [await modeOf(path), await modeOf(key)];
  if (folderMode === undefined || keyMode === undefined) return null;
  const file = privateFile("relay_folder", key, keyMode);
  return file.state === "fail" ? file : privateFolder("relay_folder", path, folderMode);
}

function privateFile(name: string, path: string, mode: number | null): Check {
  if (mode === null) return ok(name, `${path} (this system has no file modes)`);
  if ((mode & 0o077) === 0) return ok(name, `${path} is private (${octal(mode)})`);
  return fail(
    name,
    "insecure_config",
    `${path} can be read by other users (${octal(mode)})`,
    `Run: chmod 600 ${path} (and if somebody may have read it, make a new key)`,
  );
}

/** What lies in it is private by itself; who can write there can put other files in their place. */
function privateFolder(name: string, path: string, mode: number | null): Check {
  if (mode === null) return ok(name, `${path} (this system has no file modes)`);
  const hint = `Run: chmod 700 ${path}`;
  if ((mode & 0o022) !== 0) {
    return fail(name, "insecure_config", `Other users can write in ${path} (${octal(mode)})`, hint);
  }
  if ((mode & 0o055) !== 0) return warn(name, `Other users can look into ${path} (${octal(mode)})`, hint);
  return ok(name, `${path} is private (${octal(mode)})`);
}

/** Permission bits; null where there are none, undefined when nothing is there. */
async function modeOf(path: string): Promise<number | null | undefined> {
  try {
    const { mode } = await Deno.stat(path);
    return mode === null ? null : mode & 0o777;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new QightError("io", `Cannot look at ${path}: ${(error as Error).message}`, { cause: error });
  }
}
