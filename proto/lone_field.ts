/**
 * Reads a protobuf message that consists of one bytes field, as nearly every frame does, without building an object.
 * @module
 */

/** Tag byte of field 1 with bytes in it. */
const TAG = 0x0a;

/**
 * The content of field 1 when the message is exactly that field, else null: then the ordinary decoder has the word.
 * What it gives is what protobuf-es would (a property test holds it to that); the result is a view.
 *
 * @example
 * ```ts
 * import { loneBytes } from "./lone_field.ts";
 * import assert from "node:assert/strict";
 * assert.deepEqual(loneBytes(Uint8Array.of(0x0a, 2, 7, 8)), Uint8Array.of(7, 8));
 * assert.equal(loneBytes(Uint8Array.of(0x0a, 2, 7)), null);
 * ```
 */
export function loneBytes(message: Uint8Array): Uint8Array | null {
  if (message[0] !== TAG) return null;
  let length = 0, at = 1;
  for (let shift = 0; shift <= 28 && at < message.length; shift += 7) {
    const byte = message[at++];
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return at + length === message.length ? message.subarray(at) : null;
  }
  return null;
}
