/**
 * Damaged copies of a backup, as a thief or a bad disk makes them.
 * @module
 */

/** One damaged copy and what it is. */
export interface Damage {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** One bit flipped in the header, one at the end, some anywhere, and a copy that is cut short. */
export function damagedCopies(whole: Uint8Array, random: () => number, anywhere: number): Damage[] {
  const positions = [
    Math.floor(random() * 64),
    whole.length - 1 - Math.floor(random() * 16),
    ...Array.from({ length: anywhere }, () => Math.floor(random() * whole.length)),
  ];
  const flipped = positions.map((position) => {
    const bytes = whole.slice();
    bytes[position] ^= 1 << Math.floor(random() * 8);
    return { name: `a bit of byte ${position} of ${whole.length}`, bytes };
  });
  const length = 1 + Math.floor(random() * (whole.length - 1));
  return [...flipped, { name: `cut to ${length} of ${whole.length} bytes`, bytes: whole.slice(0, length) }];
}

/** Whether `needle` stands anywhere in `bytes`. */
export function holds(bytes: Uint8Array, needle: Uint8Array): boolean {
  for (let at = bytes.indexOf(needle[0]); at >= 0; at = bytes.indexOf(needle[0], at + 1)) {
    if (at + needle.length > bytes.length) return false;
    if (needle.every((byte, offset) => bytes[at + offset] === byte)) return true;
  }
  return false;
}
