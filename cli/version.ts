/** The version that `qight version` prints; kept equal to deno.json by a test. @module */

/** Version of qight, without a leading "v". */
export const VERSION = "0.1.0";

/** Oldest Deno whose QUIC is safe (LIBRARIES.md: RUSTSEC-2026-0185). */
export const OLDEST_DENO = "2.9.5";

/** Whether a Deno version is at least the oldest that qight runs on. */
export function isRecentEnough(running: string, oldest = OLDEST_DENO): boolean {
  const [a, b] = [running, oldest].map((version) => version.split(/[.+-]/).slice(0, 3).map(Number));
  for (let part = 0; part < 3; part++) {
    if (a[part] !== b[part]) return a[part] > b[part];
  }
  return true;
}
