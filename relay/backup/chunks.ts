/**
 * A backup's content in chunks that can be neither changed, reordered, dropped nor cut off.
 *
 * Layout of a chunk, number i from 0:   u32 BE length | bytes
 *   sealed: AES-256-GCM(key, nonce = 0x000000 | u64 BE i | last ? 1 : 0, associated data = header), tag at the end
 *   plain:  content | SHA-256(header | nonce as above | content)
 * The nonce is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015); each backup has its own key.
 * @module
 */

import { concat } from "../../crypto/concat.ts";
import { QightError } from "../../proto/errors.ts";

/** Content of a full chunk, bytes. */
export const CHUNK_BYTES = 1024 * 1024;

/** Turns chunks of content into chunks of a file and back. */
export interface ChunkCodec {
  encode(index: number, last: boolean, content: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
  /** Throws `bad_backup`. */
  decode(index: number, last: boolean, bytes: Uint8Array): Promise<Uint8Array>;
  /** What a chunk of the file is longer than its content, bytes. */
  readonly overhead: number;
}

/** Chunks that only holders of the 32-byte key can read or make. */
export async function sealedChunks(key: Uint8Array, header: Uint8Array): Promise<ChunkCodec> {
  const aes = await crypto.subtle.importKey("raw", Uint8Array.from(key), "AES-GCM", false, ["encrypt", "decrypt"]);
  const parameters = (index: number, last: boolean) => ({
    name: "AES-GCM",
    iv: nonce(index, last),
    additionalData: Uint8Array.from(header),
  });
  return {
    overhead: 16,
    async encode(index, last, content) {
      return new Uint8Array(await crypto.subtle.encrypt(parameters(index, last), aes, Uint8Array.from(content)));
    },
    async decode(index, last, bytes) {
      try {
        return new Uint8Array(await crypto.subtle.decrypt(parameters(index, last), aes, Uint8Array.from(bytes)));
      } catch (cause) {
        throw damaged(index, cause);
      }
    },
  };
}

/** Chunks with a checksum, against accidents only. */
export function plainChunks(header: Uint8Array): ChunkCodec {
  const digest = async (index: number, last: boolean, content: Uint8Array) =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", concat(header, nonce(index, last), content)));
  return {
    overhead: 32,
    async encode(index, last, content) {
      return concat(content, await digest(index, last, content));
    },
    async decode(index, last, bytes) {
      const content = bytes.subarray(0, Math.max(0, bytes.length - 32));
      const sum = await digest(index, last, content);
      // Nothing secret is compared here: whoever changes a plain backup can compute the sum too.
      if (sum.toHex() !== bytes.subarray(content.length).toHex()) throw damaged(index);
      return content;
    },
  };
}

function nonce(index: number, last: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setBigUint64(3, BigInt(index));
  bytes[11] = last ? 1 : 0;
  return bytes;
}

function damaged(index: number, cause?: unknown): QightError {
  return new QightError("bad_backup", `The backup is damaged in part ${index + 1}`, { cause });
}
