/** At the start of a command of the one file: its version is in use, and those that nobody uses go. @module */
import type { Output } from "../output.ts";
import { treeFolder } from "../self_command.ts";
import { cacheOf, holdOwn, removeUnused } from "./versions.ts";

/** Never in the way of the command: what fails is said with -v alone. */
export async function tidyVersions(out: Output, tree: string | null = treeFolder()): Promise<void> {
  const cache = cacheOf(tree);
  if (cache === null) return;
  try {
    holdOwn(cache);
    for (const name of await removeUnused(cache)) out.detail(`removed an old version from the cache: ${name}`);
  } catch (error) {
    out.detail(`old versions stay in ${cache.base}: ${(error as Error).message}`);
  }
}
