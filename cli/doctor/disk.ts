/** Doctor: room where keys and messages are. @module */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { exists } from "../paths.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const MIB = 1024 ** 2;
/** Below this a store cannot be relied on to write, bytes. */
const TOO_LITTLE = 16 * MIB;
const LITTLE = 256 * MIB;

/** Free space of the file system that the folder is on, or will be on. */
export async function checkDisk(name: string, folder: string): Promise<Check> {
  let place = folder;
  while (!await exists(place) && dirname(place) !== place) place = dirname(place);
  const { bavail, bsize } = statfsSync(place);
  return judgeSpace(name, folder, bavail * bsize);
}

/** What so many free bytes mean. */
export function judgeSpace(name: string, folder: string, free: number): Check {
  const text = `${
    free < 10 * MIB ? Math.floor(free / 1024) + " KiB" : Math.floor(free / MIB) + " MiB"
  } free at ${folder}`;
  const hint = "Make room there, or choose another folder with --data-dir.";
  if (free < TOO_LITTLE) return fail(name, "io", text, hint);
  return free < LITTLE ? warn(name, text, hint) : ok(name, text);
}
