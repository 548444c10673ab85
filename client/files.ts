/**
 * Files too large for a message: brought to the relay as ciphertext and fetched from there, each from where it stopped.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { equal } from "../crypto/equal.ts";
import {
  FILE_CHUNK_BYTES,
  FILE_CIPHER_VERSION,
  FILE_KEY_BYTES,
  fileCipher,
  MAX_FILE_BYTES,
  SEALED_CHUNK_BYTES,
  sealedFileSize,
} from "../crypto/file_cipher.ts";
import { sha256 } from "../crypto/sha256.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { BlobService } from "../proto/gen/qight/v1/blob_pb.ts";
import { type BlobRef, BlobRefSchema, type File, FileSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import { type Clock, pause, type Random } from "./clock.ts";
import type { Draft } from "./messages.ts";
import type { RelayClient } from "./relay_client.ts";
import { contentSize } from "./send.ts";
import type { ClientStore, UploadRow } from "./storage/store.ts";

/** What bringing a file needs. */
export interface FileRoom {
  readonly relay: Pick<RelayClient, "rpc" | "session">;
  /** The relay's name as dialled: progress is kept apart by relay. */
  readonly relayName: string;
  readonly store: ClientStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears how many bytes are there, of how many. */
  readonly onProgress?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

/** Half a chunk of the largest kind on a slow line is a second; these keep a call well below its deadline. */
const FIRST_CHUNK = 64 * 1024, SMALLEST_CHUNK = 16 * 1024;
const FAST_MS = 500, SLOW_MS = 2000;
/** Bringing the same file may be tried anew so often within one call. */
const MAX_BEGINS = 5;
/** What is known of files on their way is kept as long as any relay keeps them. */
const KEEP_MS = 31 * 24 * 3600_000;

/**
 * The draft with files by reference where the whole is more than fits a message of this relay; their ciphertext is there
 * then. Called again for the same file and recipient after a failure, it goes on where it stopped.
 */
export async function bringFiles(room: FileRoom, recipient: Uint8Array, draft: Draft): Promise<Draft> {
  const { maxMessage } = room.relay.session;
  const files = [...draft.content.files];
  const content = { ...draft.content, files };
  // The largest first: as many as possible stay with their message.
  while (contentSize(content) > maxMessage) {
    const largest = files.reduce((best, { data }, at) => data.length > files[best].data.length ? at : best, 0);
    if (files.length === 0 || files[largest].data.length === 0) break;
    files[largest] = await bringFile(room, recipient, draft, files[largest]);
  }
  return { ...draft, content };
}

async function bringFile(room: FileRoom, recipient: Uint8Array, draft: Draft, { name, data }: File): Promise<File> {
  if (data.length > MAX_FILE_BYTES) {
    throw new QightError("message_too_large", `${name} has ${data.length} bytes; ${MAX_FILE_BYTES} fit`);
  }
  if (draft.plaintext) {
    throw new QightError("message_too_large", `${name} is too large for one message, and --plaintext goes in one`);
  }
  const fileSha256 = await sha256(data);
  const { row, ciphertext } = await sealed(room, recipient, draft.id, data, fileSha256);
  await bring(room, row.blobSha256, ciphertext, draft.ttlS);
  await room.store.write(({ files }) => files.putUpload({ ...row, message: draft.id }));
  const blob = create(BlobRefSchema, {
    sha256: row.blobSha256,
    size: BigInt(data.length),
    key: row.key,
    fileSha256,
    version: FILE_CIPHER_VERSION,
  });
  return create(FileSchema, { name, blob });
}

/**
 * The file's ciphertext. Its key is on disk before the first byte goes out, and used for exactly these bytes: the row is
 * found by their hash. Another message gets another key, so the relay cannot tell that it is the same file.
 */
async function sealed(
  { store, relayName: relay, random, clock }: FileRoom,
  recipient: Uint8Array,
  id: Uint8Array,
  data: Uint8Array,
  fileSha256: Uint8Array,
): Promise<{ row: UploadRow; ciphertext: Uint8Array }> {
  const known = await store.read(({ files }) => files.upload(relay, recipient, fileSha256));
  const mine = known && (known.message === null || equal(known.message, id)) ? known : null;
  const key = mine?.key ?? random(FILE_KEY_BYTES);
  const ciphertext = await seal(key, data);
  if (mine) return { row: mine, ciphertext };
  const atMs = clock.now();
  const blobSha256 = await sha256(ciphertext);
  const row: UploadRow = { relay, recipient, fileSha256, key, blobSha256, message: null, atMs };
  await store.write(({ files }) => {
    files.purgeUploads(atMs - KEEP_MS);
    files.putUpload(row);
  });
  return { row, ciphertext };
}

async function seal(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const cipher = await fileCipher(key, data.length);
  const whole = new Uint8Array(sealedFileSize(data.length));
  for (let number = 0; number < cipher.chunks; number++) {
    const plain = data.subarray(number * FILE_CHUNK_BYTES, (number + 1) * FILE_CHUNK_BYTES);
    whole.set(await cipher.seal(number, plain), number * SEALED_CHUNK_BYTES);
  }
  return whole;
}

async function bring(room: FileRoom, hash: Uint8Array, bytes: Uint8Array, ttlS: number): Promise<void> {
  const { method } = BlobService;
  const { relay, clock, signal, onProgress = () => {} } = room;
  const options = signal ? { signal } : {};
  let size = FIRST_CHUNK;
  for (let begins = 1;; begins++) {
    try {
      const request = { sha256: hash, size: BigInt(bytes.length), ttlS };
      const begun = await patiently(room, () => relay.rpc.unary(method.beginBlob, request, options));
      let at = Number(begun.received);
      onProgress(at, bytes.length);
      while (at < bytes.length) {
        const data = bytes.subarray(at, at + Math.min(size, begun.maxChunk || SMALLEST_CHUNK));
        const startedMs = clock.monotonic();
        const chunk = { sha256: hash, offset: BigInt(at), data };
        const put = await patiently(room, () => relay.rpc.unary(method.putBlobChunk, chunk, options));
        const tookMs = clock.monotonic() - startedMs;
        if (tookMs < FAST_MS) size = Math.min(size * 2, begun.maxChunk);
        else if (tookMs > SLOW_MS) size = Math.max(size / 2, SMALLEST_CHUNK);
        at = Number(put.received);
        onProgress(at, bytes.length);
      }
      return;
    } catch (thrown) {
      const error = asQightError(thrown);
      // Another process brings the same file, or what was there was not it and is dropped now.
      const again = error.code === "version_conflict" || error.code === "bad_blob" || error.code === "no_such_file";
      if (again && begins < MAX_BEGINS) continue;
      if (error.code !== "unreachable" && error.code !== "timeout") throw error;
      throw new QightError(error.code, error.message, { cause: error, hint: GOES_ON });
    }
  }
}

const GOES_ON = "Give the same command again: the file goes on where it stopped.";

/** A relay that asks for patience gets it. */
async function patiently<T>({ clock, signal }: Pick<FileRoom, "clock" | "signal">, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      const { code, retryAfterMs } = asQightError(thrown);
      if (code !== "rate_limited" || retryAfterMs === undefined) throw thrown;
      await pause(clock, retryAfterMs, signal);
    }
  }
}

/** Where a file is put together: it may have a beginning already, which `opened` chunks are added to. */
export interface FileSink {
  /** Whole chunks that are there; what is behind them is gone. */
  readonly chunks: number;
  /** Adds the next chunk. */
  write(plain: Uint8Array): Promise<void>;
}

/**
 * Fetches what is missing of a file, chunk by chunk, each checked before it is written. `bad_blob` when the relay gives
 * something else, `no_such_file` when it has the file no more. The sink's owner compares the hash of the whole.
 */
export async function fetchFile(
  { relay, signal, onProgress = () => {} }: Pick<FileRoom, "relay" | "onProgress" | "signal">,
  ref: BlobRef,
  sink: FileSink,
): Promise<void> {
  const size = Number(ref.size);
  checkRef(ref);
  const cipher = await fileCipher(ref.key, size);
  let number = sink.chunks;
  if (number >= cipher.chunks) return;
  const offset = BigInt(number * SEALED_CHUNK_BYTES);
  const replies = relay.rpc.serverStream(
    BlobService.method.getBlob,
    { sha256: ref.sha256, offset },
    signal ? { signal } : {},
  );
  let waiting: Uint8Array = new Uint8Array(0);
  for await (const { kind } of replies) {
    if (kind.case === "size" && Number(kind.value) !== sealedFileSize(size)) throw changed();
    if (kind.case !== "data") continue;
    waiting = joined(waiting, kind.value);
    while (number < cipher.chunks) {
      const last = number === cipher.chunks - 1;
      const length = last ? sealedFileSize(size) - number * SEALED_CHUNK_BYTES : SEALED_CHUNK_BYTES;
      if (waiting.length < length) break;
      await sink.write(await cipher.open(number++, waiting.subarray(0, length)));
      waiting = waiting.subarray(length);
      onProgress(Math.min(size, number * FILE_CHUNK_BYTES), size);
    }
    // More than was announced: nobody keeps reading that.
    if (number === cipher.chunks && waiting.length > 0) throw changed();
    if (waiting.length > SEALED_CHUNK_BYTES) throw changed();
  }
  if (number < cipher.chunks) throw changed();
}

/** Throws `bad_blob` for a reference that describes no file. */
export function checkRef({ sha256: hash, size, fileSha256, version, key }: BlobRef): void {
  if (version !== FILE_CIPHER_VERSION) {
    throw new QightError("bad_blob", `The file is sealed in a way that this qight does not know (${version})`, {
      hint: "Install a newer qight.",
    });
  }
  const fits = hash.length === 32 && fileSha256.length === 32 && key.length === FILE_KEY_BYTES &&
    size <= BigInt(MAX_FILE_BYTES);
  if (!fits) throw changed();
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function changed(): QightError {
  return new QightError("bad_blob", "The relay gave other bytes than the sender brought");
}
