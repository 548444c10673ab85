/**
 * Length-prefixed frames: u32 big-endian length, then that many bytes of protobuf.
 * @module
 */
import { QightError } from "./errors.ts";

/** Bytes before the message in each frame. */
export const FRAME_HEADER_BYTES = 4;

/**
 * Puts messages into frames, one after the other in one buffer, so that a whole call is one write.
 *
 * @example
 * ```ts
 * import { encodeFrames } from "./frame.ts";
 * import assert from "node:assert/strict";
 * assert.deepEqual(encodeFrames(Uint8Array.of(7, 8)), Uint8Array.of(0, 0, 0, 2, 7, 8));
 * ```
 */
export function encodeFrames(...messages: Uint8Array[]): Uint8Array {
  let size = 0;
  for (const message of messages) size += FRAME_HEADER_BYTES + message.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const message of messages) {
    const length = message.length;
    out[at] = length >>> 24;
    out[at + 1] = length >>> 16;
    out[at + 2] = length >>> 8;
    out[at + 3] = length;
    out.set(message, at + FRAME_HEADER_BYTES);
    at += FRAME_HEADER_BYTES + length;
  }
  return out;
}

/** Reads frames from chunks of bytes; the announced length is checked before anything is kept for it. */
export class FrameReader {
  #read: () => Promise<Uint8Array | null>;
  #chunk = new Uint8Array(0);
  #at = 0;

  /** @param read the next chunk, or null at the end of the bytes */
  constructor(read: () => Promise<Uint8Array | null>) {
    this.#read = read;
  }

  /**
   * The next frame's bytes, or null when the stream ended between frames.
   * Throws `message_too_large` above `limit` bytes and `bad_frame` when the stream ends inside a frame.
   */
  async next(limit: number): Promise<Uint8Array | null> {
    if (this.#at === this.#chunk.length && !await this.#more()) return null;
    return await this.#take(lengthOf(await this.#take(FRAME_HEADER_BYTES), 0, limit));
  }

  /** The next frame when all of it is here already, else null; throws like `next`. */
  arrived(limit: number): Uint8Array | null {
    const start = this.#at + FRAME_HEADER_BYTES;
    if (start > this.#chunk.length) return null;
    const end = start + lengthOf(this.#chunk, this.#at, limit);
    if (end > this.#chunk.length) return null;
    this.#at = end;
    return this.#chunk.subarray(start, end);
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const chunk = await this.#read();
      if (chunk === null) return false;
      if (chunk.length === 0) continue;
      this.#chunk = chunk as Uint8Array<ArrayBuffer>;
      this.#at = 0;
      return true;
    }
  }

  /** Exactly `count` bytes; memory grows with what has arrived, not with what was announced. */
  async #take(count: number): Promise<Uint8Array> {
    if (this.#chunk.length - this.#at >= count) return this.#chunk.subarray(this.#at, this.#at += count);
    const parts: Uint8Array[] = [];
    let missing = count;
    for (;;) {
      const part = this.#chunk.subarray(this.#at, this.#at + missing);
      this.#at += part.length;
      missing -= part.length;
      parts.push(part);
      if (missing === 0) break;
      if (!await this.#more()) throw new QightError("bad_frame", "The stream ended inside a frame");
    }
    const whole = new Uint8Array(count);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

function lengthOf(bytes: Uint8Array, at: number, limit: number): number {
  const length = bytes[at] * 0x1000000 + (bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]);
  if (length <= limit) return length;
  throw new QightError("message_too_large", `Cannot read a frame of ${length} bytes: the limit is ${limit}`);
}
