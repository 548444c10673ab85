/** Keys of 32 bytes in maps of the writer. @module */

/** A key of 32 bytes as a map key: a character a byte, which is made faster than hex digits. */
export function keyOf(key: Uint8Array): string {
  return String.fromCharCode.apply(null, key as unknown as number[]);
}
