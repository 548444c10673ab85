/**
 * Files: ciphertext that waits here under its own SHA-256, brought and fetched in pieces. What is in it only those know who
 * were sent the key.
 * @module
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createHash } from "node:crypto";
import { equal } from "../../crypto/equal.ts";
import { MAX_BLOB_BYTES, MAX_FILE_BYTES } from "../../crypto/file_cipher.ts";
import { QightError } from "../../proto/errors.ts";
import {
  BeginBlobRequestSchema,
  BeginBlobResponseSchema,
  ForgetBlobRequestSchema,
  ForgetBlobResponseSchema,
  GetBlobRequestSchema,
  GetBlobResponseSchema,
  PutBlobChunkRequestSchema,
  PutBlobChunkResponseSchema,
} from "../../proto/gen/qight/v1/blob_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { BlobProgress, BlobStore } from "../storage/store.ts";
import { accountOfCaller, type GroupRoom, ID_BYTES, limited } from "./group_room.ts";

/** Largest chunk: with what is around it, an envelope of the largest size. */
const MAX_CHUNK = 256 * 1024;
/** Smallest chunk but the last: each is a row and a sync, and a file of single bytes would be millions. */
const MIN_CHUNK = 16 * 1024;
/** What one account may claim: ten of the largest files. A constant: relay.toml has no key for it. */
const QUOTA_BYTES = 10 * MAX_BLOB_BYTES;
/** How long what is not whole may lie. */
const UNFINISHED_MS = 24 * 3600_000;

/** BeginBlob: claims the blob for the caller's account and says how much of it is here. */
export async function beginBlob(room: GroupRoom, call: CallContext): Promise<void> {
  const { sha256, size, ttlS } = await call.requests.only(BeginBlobRequestSchema);
  admit(room, sha256);
  const bytes = Number(size);
  if (bytes < 1) throw new QightError("bad_frame", "A file has at least one byte of ciphertext");
  if (bytes > MAX_BLOB_BYTES) {
    throw new QightError("message_too_large", `The relay takes files of up to ${MAX_FILE_BYTES} bytes`);
  }
  const account = await accountOfCaller(room, call);
  limited(room, "blobs", room.limits.takeBlob(call.peer.device, 0), "Too many files at once from this device");
  const nowMs = room.now();
  const { defaultTtlMs, maxTtlMs } = room.retention();
  const ttlMs = Math.min(ttlS === 0 ? defaultTtlMs : ttlS * 1000, maxTtlMs);
  const times = { nowMs, untilMs: nowMs + ttlMs, unfinishedUntilMs: nowMs + Math.min(UNFINISHED_MS, ttlMs) };
  const begun = await room.store.blobs.begin({ account, sha256, size: bytes, quota: QUOTA_BYTES, ...times });
  switch (begun.kind) {
    case "other_size":
      throw new QightError("bad_blob", `The file of this hash has ${begun.size} bytes here`);
    case "over_quota":
      throw new QightError("storage_full", `This account has ${begun.claimed} bytes of files here`, {
        hint: "They go when their time is over; then there is room again.",
      });
    case "storage_full":
      throw new QightError("storage_full");
  }
  // The relay ended between the last chunk and the look at its hash.
  const unsure = !begun.whole && begun.received === begun.size;
  if (unsure && !await verify(room.store.blobs, sha256, begun)) throw wrongHash();
  const answer = {
    received: BigInt(begun.received),
    expiresAtMs: BigInt(begun.untilMs),
    maxChunk: MAX_CHUNK,
  };
  await call.reply.send(toBinary(BeginBlobResponseSchema, create(BeginBlobResponseSchema, answer)));
}

/** PutBlobChunk: answers when the chunk is on disk, and after the last one when the hash of all is right. */
export async function putBlobChunk(room: GroupRoom, call: CallContext): Promise<void> {
  const { sha256, offset, data } = await call.requests.only(PutBlobChunkRequestSchema);
  admit(room, sha256);
  if (data.length === 0 || data.length > MAX_CHUNK) {
    throw new QightError("message_too_large", `A chunk has 1 to ${MAX_CHUNK} bytes`);
  }
  const account = await accountOfCaller(room, call);
  const waitMs = room.limits.takeBlob(call.peer.device, data.length);
  limited(room, "blobs", waitMs, "Too many bytes of files from this device");
  const { blobs } = room.store;
  const at = Number(offset);
  if (data.length < MIN_CHUNK) {
    const known = await blobs.read(sha256, at);
    if (known && at + data.length < known.size) {
      throw new QightError("bad_blob", `Only the last chunk has less than ${MIN_CHUNK} bytes`);
    }
  }
  const put = await blobs.append(account, sha256, at, data);
  switch (put.kind) {
    case "unknown":
      throw new QightError("no_such_file", "This file was not announced by this account, or its time is over");
    case "out_of_order":
      throw new QightError("version_conflict", `The next byte of this file is number ${put.received}`, {
        hint: "Begin it again: the relay says where to go on.",
      });
    case "too_long":
      throw new QightError("bad_blob", `More bytes came than the ${put.size} that were announced`);
    case "storage_full":
      throw new QightError("storage_full");
  }
  if (put.received === put.size && !await verify(blobs, sha256, put)) throw wrongHash();
  const answer = create(PutBlobChunkResponseSchema, { received: BigInt(put.received) });
  await call.reply.send(toBinary(PutBlobChunkResponseSchema, answer));
}

/** GetBlob: the size, and the bytes from the offset on as fast as the reader takes them. */
export async function getBlob(room: GroupRoom, call: CallContext): Promise<void> {
  const { sha256, offset } = await call.requests.only(GetBlobRequestSchema);
  checkHash(sha256);
  call.requests.watchForReset();
  let at = Number(offset);
  const first = await room.store.blobs.read(sha256, at);
  if (!first?.whole) throw new QightError("no_such_file", "The relay has no such file, or not any more");
  if (at > first.size) throw new QightError("bad_frame", `The file ends at ${first.size}`);
  const waitMs = room.limits.takeBlobRead(call.peer.device, first.size - at);
  limited(room, "blobs", waitMs, "Too many bytes of files for this device");
  await say({ case: "size", value: BigInt(first.size) });
  for (let piece: typeof first | null = first; at < first.size; piece = await room.store.blobs.read(sha256, at)) {
    call.served.signal.throwIfAborted();
    if (!piece || piece.data.length === 0) throw new QightError("no_such_file", "The time of this file is over");
    await say({ case: "data", value: piece.data });
    at += piece.data.length;
  }
  await call.reply.end();

  function say(kind: MessageInitShape<typeof GetBlobResponseSchema>["kind"]): Promise<void> {
    return call.reply.send(toBinary(GetBlobResponseSchema, create(GetBlobResponseSchema, { kind })));
  }
}

/** ForgetBlob: the account wants it kept no longer. */
export async function forgetBlob(room: GroupRoom, call: CallContext): Promise<void> {
  const { sha256 } = await call.requests.only(ForgetBlobRequestSchema);
  checkHash(sha256);
  const account = await accountOfCaller(room, call);
  const forgotten = await room.store.blobs.forget(account, sha256);
  await call.reply.send(toBinary(ForgetBlobResponseSchema, create(ForgetBlobResponseSchema, { forgotten })));
}

function admit(room: GroupRoom, sha256: Uint8Array): void {
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  checkHash(sha256);
}

function checkHash(sha256: Uint8Array): void {
  if (sha256.length !== ID_BYTES) throw new QightError("bad_frame", "A SHA-256 has 32 bytes");
}

/** Reads all of it back chunk by chunk, so that nobody waits for it, and settles what it is. */
async function verify(blobs: BlobStore, sha256: Uint8Array, { id, size }: BlobProgress): Promise<boolean> {
  const hash = createHash("sha256");
  for (let at = 0; at < size;) {
    const piece = await blobs.read(sha256, at);
    if (piece?.id !== id || piece.data.length === 0) return false; // it was dropped meanwhile
    hash.update(piece.data);
    at += piece.data.length;
  }
  const good = equal(hash.digest(), sha256);
  await blobs.settle(id, good);
  return good;
}

function wrongHash(): QightError {
  return new QightError("bad_blob", "The bytes that came have another SHA-256 than was announced; they were dropped");
}
