/**
 * The frames of one call as the client writes and reads them, by hand where every message passes.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { codeOfNumber, errorTable, QightError } from "../proto/errors.ts";
import { FRAME_HEADER_BYTES } from "../proto/frame.ts";
import { type Failure, PartSchema } from "../proto/gen/qight/v1/frame_pb.ts";
import { loneBytes } from "../proto/lone_field.ts";

/** What one reply frame says. */
export type ReplyPart =
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  | { readonly kind: "failure"; readonly error: QightError }
  | { readonly kind: "end" };

/** The serialized Part{end}. */
export const END_PART: Uint8Array = toBinary(PartSchema, create(PartSchema, { kind: { case: "end", value: {} } }));

/** Bytes that Part{message} adds to a message, at most. */
export const PART_OVERHEAD = 8;

/**
 * The frame of a CallHeader, and after it the frame of a Part{message} when there is one: one buffer, one write.
 * Layout: u32 length, `08` method, `12 10` request id (16 bytes), `18` timeout in ms; u32 length, `0a` length, message.
 */
export function encodeCall(
  method: number,
  requestId: Uint8Array,
  timeoutMs: number,
  message: Uint8Array | null,
): Uint8Array {
  const headerSize = 1 + varintSize(method) + 2 + requestId.length + (timeoutMs > 0 ? 1 + varintSize(timeoutMs) : 0);
  const partSize = message ? messagePartSize(message) : 0;
  const out = new Uint8Array(FRAME_HEADER_BYTES + headerSize + (message ? FRAME_HEADER_BYTES + partSize : 0));
  let at = putLength(out, 0, headerSize);
  out[at++] = 0x08;
  at = putVarint(out, at, method);
  out[at++] = 0x12;
  out[at++] = requestId.length;
  out.set(requestId, at);
  at += requestId.length;
  if (timeoutMs > 0) {
    out[at++] = 0x18;
    at = putVarint(out, at, timeoutMs);
  }
  if (message) putMessagePart(out, at, message);
  return out;
}

/** Frames of several Part{message}, and of Part{end} when `end` is set, in one buffer. */
export function encodeParts(messages: readonly Uint8Array[], end: boolean): Uint8Array {
  let size = end ? FRAME_HEADER_BYTES + END_PART.length : 0;
  for (const message of messages) size += FRAME_HEADER_BYTES + messagePartSize(message);
  const out = new Uint8Array(size);
  let at = 0;
  for (const message of messages) at = putMessagePart(out, at, message);
  if (end) out.set(END_PART, putLength(out, at, END_PART.length));
  return out;
}

/** Reads one reply frame; `bad_frame` when it is none. */
export function decodePart(frame: Uint8Array): ReplyPart {
  const bytes = loneBytes(frame);
  if (bytes) return { kind: "message", bytes };
  return decodeSlowly(frame);
}

function decodeSlowly(frame: Uint8Array): ReplyPart {
  let part;
  try {
    part = fromBinary(PartSchema, frame, { readUnknownFields: false });
  } catch (cause) {
    throw new QightError("bad_frame", "A reply of the relay does not decode", { cause });
  }
  switch (part.kind.case) {
    case "message":
      return { kind: "message", bytes: part.kind.value };
    case "failure":
      return { kind: "failure", error: errorOfFailure(part.kind.value) };
    case "end":
      return { kind: "end" };
    default:
      throw new QightError("bad_frame", "A reply of the relay says nothing");
  }
}

/** The typed error behind a Failure from the wire. */
export function errorOfFailure(failure: Failure): QightError {
  return new QightError(codeOfNumber(failure.number), failure.message || undefined, {
    ...(failure.retryAfterMs > 0 ? { retryAfterMs: failure.retryAfterMs } : {}),
    ...(failure.requestId.length > 0 ? { requestId: failure.requestId.toHex() } : {}),
    ...epochOf(failure),
  });
}

/** Where a group is, with `stale_epoch`; an epoch that no number holds exactly is left out. */
function epochOf({ number, epoch }: Failure): { epoch?: number } {
  const stale = number === errorTable.stale_epoch.number && epoch <= BigInt(Number.MAX_SAFE_INTEGER);
  return stale ? { epoch: Number(epoch) } : {};
}

function messagePartSize(message: Uint8Array): number {
  return 1 + varintSize(message.length) + message.length;
}

function putMessagePart(out: Uint8Array, start: number, message: Uint8Array): number {
  let at = putLength(out, start, messagePartSize(message));
  out[at++] = 0x0a;
  at = putVarint(out, at, message.length);
  out.set(message, at);
  return at + message.length;
}

function putLength(out: Uint8Array, at: number, length: number): number {
  out[at] = length >>> 24;
  out[at + 1] = length >>> 16;
  out[at + 2] = length >>> 8;
  out[at + 3] = length;
  return at + FRAME_HEADER_BYTES;
}

function putVarint(out: Uint8Array, at: number, value: number): number {
  while (value > 0x7f) {
    out[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  out[at++] = value;
  return at;
}

function varintSize(value: number): number {
  let size = 1;
  while (value > 0x7f) {
    value >>>= 7;
    size++;
  }
  return size;
}
