/** `qight key list`: the keys on this machine. @module */
import { join, resolve } from "node:path";
import { QightError } from "../../proto/errors.ts";
import { readPublicHalf } from "../identity.ts";
import { exists } from "../paths.ts";
import type { Call } from "../tree/spec.ts";

/** Prints one line for each key file of the data folder, and for the chosen one. */
export async function run({ settings, out }: Call): Promise<void> {
  const chosen = resolve(settings.identity);
  const paths = new Set(await keyFiles(settings.dataDir));
  if (await exists(chosen)) paths.add(chosen);
  for (const path of [...paths].sort()) {
    const half = await readPublicHalf(path);
    const row = { id: half?.id ?? null, device: half?.device ?? null, identity: path, chosen: path === chosen };
    await out.result(row, `${row.chosen ? "*" : " "} ${row.id ?? "?"}  ${row.device ?? "?"}  ${path}`);
  }
}

async function keyFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isFile && entry.name.endsWith(".key")) found.push(resolve(join(folder, entry.name)));
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return found;
    throw new QightError("io", `Cannot read ${folder}: ${(error as Error).message}`, { cause: error });
  }
  return found;
}
