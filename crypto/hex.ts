/** Bytes as lower-case hex digits and back. @module */
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { QightError } from "../proto/errors.ts";

/** Bytes as lower-case hex digits. */
export function hex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** Reads hex digits (either case), `bytes` of them when given; throws `bad_id` for anything else. */
export function fromHex(text: string, bytes?: number): Uint8Array {
  if (bytes !== undefined && text.length !== bytes * 2) {
    throw new QightError("bad_id", `Expected ${bytes * 2} hex digits, got ${text.length} characters`);
  }
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new QightError("bad_id", "Expected an even number of hex digits");
  }
  return hexToBytes(text);
}
