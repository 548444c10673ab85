/**
 * Files as ciphertext in chunks that can be made and opened one by one, in any order, and not be moved, left out or cut off.
 *
 * STREAM of Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
 * Misuse-Resistance" (CRYPTO 2015), over AES-256-GCM. Version 1 of `BlobRef`:
 *
 *     key     32 random bytes, for one file alone; so the prefix of the nonces may be zero
 *     chunk   64 KiB of the file, the last one what is left (an empty file has one empty chunk)
 *     nonce   7 zero bytes | number of the chunk from 0, u32 big-endian | 1 in the last chunk, else 0
 *     AAD     "qight file v1" | 0 | bytes of the file, u64 big-endian
 *     blob    each chunk's ciphertext with its tag of 16 bytes, one after the other
 *
 * The number keeps chunks in their places, the last byte of the nonce keeps the end at the end, and the size in the AAD says
 * before the first byte is written how many there will be. A chunk of another file has another key.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import { subtle } from "./webcrypto.ts";

/** Bytes of a file in one chunk. */
export const FILE_CHUNK_BYTES = 64 * 1024;
/** Bytes of a chunk in the ciphertext. */
export const SEALED_CHUNK_BYTES = FILE_CHUNK_BYTES + 16;
/** Bytes of a file's key. */
export const FILE_KEY_BYTES = 32;
/** Largest file in bytes. */
export const MAX_FILE_BYTES = 50 * 1024 * 1024;
/** The layout above. */
export const FILE_CIPHER_VERSION = 1;

/** Seals and opens the chunks of one file. */
export interface FileCipher {
  /** How many there are. */
  readonly chunks: number;
  /** Ciphertext of a chunk; a key seals each of them with one content only. */
  seal(number: number, plain: Uint8Array): Promise<Uint8Array>;
  /** A chunk of the file; `bad_blob` when it is not this chunk of this file. */
  open(number: number, sealed: Uint8Array): Promise<Uint8Array>;
}

/** Bytes of the ciphertext of a file. */
export function sealedFileSize(size: number): number {
  return size + chunksOf(size) * (SEALED_CHUNK_BYTES - FILE_CHUNK_BYTES);
}

/** Largest ciphertext in bytes. */
export const MAX_BLOB_BYTES: number = sealedFileSize(MAX_FILE_BYTES);

/** Readies the key of a file of `size` bytes; `bad_blob` for a size or a key that no file has. */
export async function fileCipher(key: Uint8Array, size: number): Promise<FileCipher> {
  if (key.length !== FILE_KEY_BYTES || !Number.isSafeInteger(size) || size < 0 || size > MAX_FILE_BYTES) {
    throw new QightError("bad_blob", "The message describes its file in a way that no file can have");
  }
  const secret = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
  const chunks = chunksOf(size);
  const additionalData = additional(size);
  const parameters = (number: number) => {
    return { name: "AES-GCM", iv: nonce(number, number === chunks - 1), additionalData };
  };
  const plainSize = (number: number) => Math.min(FILE_CHUNK_BYTES, size - number * FILE_CHUNK_BYTES);
  const isThere = (number: number) => Number.isInteger(number) && number >= 0 && number < chunks;
  return {
    chunks,
    async seal(number, plain) {
      if (!isThere(number) || plain.length !== plainSize(number)) {
        throw new QightError("invariant", "A chunk of a file has another size than its place");
      }
      return new Uint8Array(await subtle.encrypt(parameters(number), secret, plain));
    },
    async open(number, sealed) {
      const fits = isThere(number) && sealed.length === plainSize(number) + SEALED_CHUNK_BYTES - FILE_CHUNK_BYTES;
      if (!fits) throw changed();
      try {
        return new Uint8Array(await subtle.decrypt(parameters(number), secret, sealed));
      } catch (cause) {
        throw changed(cause);
      }
    },
  };
}

function chunksOf(size: number): number {
  return Math.max(1, Math.ceil(size / FILE_CHUNK_BYTES));
}

function nonce(number: number, isLast: boolean): Uint8Array {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setUint32(7, number);
  bytes[11] = Number(isLast);
  return bytes;
}

function additional(size: number): Uint8Array {
  const label = new TextEncoder().encode("qight file v1\0");
  const bytes = new Uint8Array(label.length + 8);
  bytes.set(label);
  new DataView(bytes.buffer).setBigUint64(label.length, BigInt(size));
  return bytes;
}

function changed(cause?: unknown): QightError {
  return new QightError("bad_blob", "The file was changed on its way, or is another one", { cause });
}
