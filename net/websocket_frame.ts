/**
 * The bytes of one WebSocket message: which stream, what happens to it, and up to 64 KiB of data.
 * @module
 */

import { QightError } from "../proto/errors.ts";

// Layout, big-endian:  stream id (u32) | flag (u8) | payload (0 to 65,536 bytes)
//   open    no payload         only clients; ids 1, 3, 5, … in order
//   data    the bytes          within the credit of the stream and of the connection
//   end     no payload         this direction is complete
//   reset   code (u32)         both directions are given up; answered by reset unless the answerer had ended or reset
//   credit  bytes (u32)        that many bytes of this stream were consumed; after the stream's end it counts for the
//                              connection alone, and may then stand for several finished streams

/** What a frame does; the numbers are on the wire and never reused. */
export const Flag = { open: 1, data: 2, end: 3, reset: 4, credit: 5 } as const;
/** One of the five flags. */
export type Flag = typeof Flag[keyof typeof Flag];

/** Most bytes of data in one frame. */
export const MAX_PAYLOAD = 65_536;
/** Most bytes in one WebSocket message. */
export const MAX_MESSAGE = MAX_PAYLOAD + 5;

/** One decoded frame; `payload` is a copy, so that it never pins the socket's larger buffer. */
export interface MuxFrame {
  readonly id: number;
  readonly flag: Flag;
  readonly payload: Uint8Array;
  /** Code of a reset or bytes of a credit; else 0. */
  readonly number: number;
}

/** A frame with data, or with nothing after the flag. */
export function encodeFrame(id: number, flag: Flag, payload?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + (payload?.length ?? 0));
  writeU32(bytes, 0, id);
  bytes[4] = flag;
  if (payload) bytes.set(payload, 5);
  return bytes;
}

/** A reset or credit frame. */
export function encodeNumber(id: number, flag: Flag, number: number): Uint8Array {
  const bytes = new Uint8Array(9);
  writeU32(bytes, 0, id);
  bytes[4] = flag;
  writeU32(bytes, 5, number);
  return bytes;
}

/** Decodes one message; anything that this page does not describe is `bad_frame`. */
export function decodeFrame(message: Uint8Array): MuxFrame {
  if (message.length < 5 || message.length > MAX_MESSAGE) throw bad(`a message of ${message.length} bytes`);
  const id = readU32(message, 0);
  const flag = message[4] as Flag;
  const rest = message.length - 5;
  const wanted = flag === Flag.data ? rest : flag === Flag.open || flag === Flag.end ? 0 : 4;
  if (!(flag >= Flag.open && flag <= Flag.credit)) throw bad(`unknown flag ${flag}`);
  if (rest !== wanted) throw bad(`${rest} bytes after flag ${flag}`);
  return {
    id,
    flag,
    payload: flag === Flag.data ? new Uint8Array(message.subarray(5)) : NOTHING,
    number: wanted === 4 && flag !== Flag.data ? readU32(message, 5) : 0,
  };
}

const NOTHING = new Uint8Array(0);

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function bad(what: string): QightError {
  return new QightError("bad_frame", `The peer sent ${what}`);
}
