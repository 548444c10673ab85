/**
 * The id of the direct conversation of two accounts, the same whoever computes it.
 * @module
 */
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { sha256Sync } from "./sha256.ts";

/** SHA-256 over `"qight direct v1\0"` and both account hashes (32 bytes each) in byte order. */
export function directGroupId(a: Uint8Array, b: Uint8Array): Uint8Array {
  const [first, second] = inByteOrder(a, b);
  return sha256Sync(concat(domains.directGroup, first, second));
}

/** Two byte strings, the lower one first. */
export function inByteOrder(a: Uint8Array, b: Uint8Array): [Uint8Array, Uint8Array] {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at >= 0 && a[at] > b[at] ? [b, a] : [a, b];
}
