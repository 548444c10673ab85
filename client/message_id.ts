/**
 * Ids of messages: 16 bytes that begin with the time, so that a relay's indexes stay local.
 * @module
 */
import { fromHex, hex } from "../crypto/hex.ts";
import { type Random, systemRandom } from "./clock.ts";

/**
 * A new id after RFC 9562 §5.7 (UUIDv7): 48 bits of milliseconds since 1970, version 7, variant 2, 74 random bits.
 *
 * @example
 * ```ts
 * import { formatMessageId, newMessageId } from "./message_id.ts";
 * import assert from "node:assert/strict";
 * const id = newMessageId(Date.UTC(2026, 0, 1), (length) => new Uint8Array(length));
 * assert.equal(formatMessageId(id), "019b76daa80070008000000000000000");
 * ```
 */
export function newMessageId(nowMs: number, random: Random = systemRandom): Uint8Array {
  const id = random(16);
  let rest = Math.floor(nowMs);
  for (let at = 5; at >= 0; at--) {
    id[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  id[6] = (id[6] & 0x0f) | 0x70;
  id[8] = (id[8] & 0x3f) | 0x80;
  return id;
}

/** 32 lower-case hex digits. */
export function formatMessageId(id: Uint8Array): string {
  return hex(id);
}

/** Reads 32 hex digits; `bad_id` for anything else. */
export function parseMessageId(text: string): Uint8Array {
  return fromHex(text, 16);
}
