/** `qight uninstall`: what qight keeps on this machine goes, or is listed. @module */
import { QightError } from "../../proto/errors.ts";
import { findLeftovers, type Leftover } from "../builds/leftovers.ts";
import { letGo } from "../builds/versions.ts";
import type { uninstallSpec } from "../tree/builds.ts";
import type { Call } from "../tree/spec.ts";

/** Lists, and with `-y` removes: the cache, and what was asked for by name. */
export async function run({ options, settings, out }: Call<typeof uninstallSpec>): Promise<void> {
  const dryRun = options.dryRun ?? false;
  if (dryRun === settings.yes) {
    throw new QightError("usage", dryRun ? "--dry-run and -y say opposite things" : "What should go must be said", {
      hint: "qight uninstall --dry-run lists it; qight uninstall -y removes it.",
    });
  }
  if (settings.dataDirGiven && (options.data || options.relayData)) {
    throw new QightError("usage", `Data in a folder of your own choice is not removed: ${settings.dataDir}`, {
      hint: "Leave out --data-dir and QIGHT_DATA_DIR, and remove that folder yourself.",
    });
  }
  letGo(); // the own version is used by this process alone, unless another one holds it too
  const found = await findLeftovers(settings.env, {
    data: options.data ?? false,
    relayData: options.relayData ?? false,
  });
  for (const leftover of found) {
    if (!dryRun) await remove(leftover);
    if (!out.json) await out.line(lineOf(leftover, dryRun));
  }
  if (out.json) await out.object({ dry_run: dryRun, folders: found });
  else if (found.length === 0) out.note("nothing of qight is here");
  const self = settings.env("QIGHT_SELF");
  if (self !== undefined) out.note(howToRemove(self));
}

async function remove({ path }: Leftover): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (thrown) {
    throw new QightError("io", `Cannot remove ${path}: ${(thrown as Error).message}`, { cause: thrown });
  }
}

function lineOf({ what, path, bytes }: Leftover, dryRun: boolean): string {
  return `${dryRun ? "would remove" : "removed"}  ${what.padEnd(6)}  ${path}  ${(bytes / 1e6).toFixed(1)} MB`;
}

/** The file itself is the user's, or a package's. */
function howToRemove(self: string): string {
  return self.startsWith("/usr/bin/")
    ? `${self} is of a package: apt purge qight, opkg remove qight or apk del qight removes it`
    : `the file itself stays: rm ${self}`;
}
