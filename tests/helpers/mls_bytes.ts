/**
 * Bytes that look like MLS messages as far as a relay looks: headers as RFC 9420 lays them out, and noise for the rest.
 * @module
 */

const noise = (length: number) => new Uint8Array(length).fill(0xab);

function number(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** (size - 1 - i)) % 256);
}

/** `opaque x<V>`: the length in as few bytes as it takes, then the bytes. */
export function opaque(bytes: Uint8Array): number[] {
  const { length } = bytes;
  const prefix = length < 64 ? [length] : length < 16384 ? number(0x4000 + length, 2) : number(0x80000000 + length, 4);
  return [...prefix, ...bytes];
}

/** A PrivateMessage: content type 1 says something, 3 is a commit. */
export function privateMessage(
  group: Uint8Array,
  epoch: number,
  { contentType = 1, size = 300, fill = 0 } = {},
): Uint8Array {
  return Uint8Array.from([
    ...[0, 1, 0, 2],
    ...opaque(group),
    ...number(epoch, 8),
    contentType,
    ...opaque(noise(16)),
    ...opaque(noise(28)),
    ...opaque(new Uint8Array(size).fill(fill)),
  ]);
}

/** A PublicMessage with a commit by which somebody joins (`senderType` 4). */
export function externalCommit(group: Uint8Array, epoch: number, { senderType = 4, contentType = 3 } = {}): Uint8Array {
  return Uint8Array.from([
    ...[0, 1, 0, 1],
    ...opaque(group),
    ...number(epoch, 8),
    senderType,
    ...opaque(noise(0)),
    contentType,
    ...noise(200),
  ]);
}

/** A GroupInfo. */
export function groupInfo(group: Uint8Array, epoch: number, { suite = 83, size = 500 } = {}): Uint8Array {
  const parts = [noise(32), noise(32), noise(4), noise(size), noise(32)].map((bytes) => opaque(bytes));
  return Uint8Array.from([
    ...[0, 1, 0, 4, 0, 1],
    ...number(suite, 2),
    ...opaque(group),
    ...number(epoch, 8),
    ...parts.flat(),
    ...number(0, 4),
    ...opaque(noise(64)),
  ]);
}

/** A Welcome. */
export function welcome({ suite = 83, size = 700 } = {}): Uint8Array {
  return Uint8Array.from([0, 1, 0, 3, ...number(suite, 2), ...opaque(noise(size)), ...opaque(noise(100))]);
}

/** A KeyPackage. */
export function keyPackage({ suite = 83, fill = 0 } = {}): Uint8Array {
  const key = new Uint8Array(300).fill(fill);
  return Uint8Array.from([0, 1, 0, 5, 0, 1, ...number(suite, 2), ...opaque(key), ...opaque(key), ...noise(300)]);
}
