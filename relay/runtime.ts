/**
 * Refuses a Deno whose QUIC has known holes.
 * @module
 */

import { QightError } from "../proto/errors.ts";

/** Older ones embed a quinn-proto with RUSTSEC-2026-0185, remote memory exhaustion. */
export const OLDEST_DENO = "2.9.5";

/** Throws `too_old_runtime` when this Deno is older than 2.9.5 (a pre-release of it counts as older). */
export function checkRuntime(version: string = Deno.version.deno): void {
  const parts = /^(\d+)\.(\d+)\.(\d+)(-)?/.exec(version);
  const wanted = OLDEST_DENO.split(".").map(Number);
  if (parts) {
    const have = parts.slice(1, 4).map(Number);
    const at = have.findIndex((number, index) => number !== wanted[index]);
    if (at === -1 ? parts[4] === undefined : have[at] > wanted[at]) return;
  }
  throw new QightError(
    "too_old_runtime",
    `Deno ${version} is older than ${OLDEST_DENO}: its QUIC can be crashed remotely`,
  );
}
