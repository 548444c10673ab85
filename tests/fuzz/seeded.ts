/**
 * Seeded chance for fuzz tests: the same numbers on every machine, and damage done to bytes with them.
 * @module
 */

/** A source of whole numbers below a bound. */
export type Chance = (below: number) => number;

/** mulberry32: small, fast, and good enough to damage bytes with. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Random bytes. */
export function someBytes(chance: Chance, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => chance(256));
}

/** A damaged copy: flipped, cut, repeated, inserted, overwritten with extremes, or pure noise. */
export function damage(valid: Uint8Array, chance: Chance): Uint8Array {
  let bytes = [...valid];
  for (let turn = 1 + chance(4); turn > 0; turn--) {
    const at = chance(bytes.length + 1);
    switch (chance(7)) {
      case 0:
        if (at < bytes.length) bytes[at] ^= 1 << chance(8);
        break;
      case 1:
        bytes = bytes.slice(0, at);
        break;
      case 2:
        bytes.splice(at, chance(5));
        break;
      case 3:
        bytes.splice(at, 0, ...someBytes(chance, 1 + chance(8)));
        break;
      case 4:
        bytes.splice(at, 4, 0xff, 0xff, 0xff, 0xff);
        break;
      case 5:
        bytes.push(...bytes.slice(at, at + 64));
        break;
      case 6:
        if (chance(8) === 0) bytes = [...someBytes(chance, chance(200))];
        break;
    }
  }
  return Uint8Array.from(bytes);
}

/** A damaged copy of a text; what is no UTF-8 any more shows as U+FFFD. */
export function damageText(text: string, chance: Chance): string {
  return new TextDecoder().decode(damage(new TextEncoder().encode(text), chance));
}
