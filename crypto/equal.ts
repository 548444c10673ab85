/** Compares bytes without telling, by the time it takes, where they differ. @module */

/** Whether both hold the same bytes; the time depends on the lengths only. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

/** Whether one of a list holds these bytes. */
export function isOneOf(bytes: Uint8Array, list: readonly Uint8Array[]): boolean {
  return list.some((one) => equal(one, bytes));
}
