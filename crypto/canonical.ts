/**
 * Decodes protobuf that was signed: only bytes that re-encode to themselves count, so that nobody can parse one
 * signature in two ways (unknown fields, other order, repeated fields and padded numbers are refused).
 * @module
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ErrorCode } from "../proto/errors.ts";
import { QightError } from "../proto/errors.ts";

/** Decodes `bytes` (at most `maxBytes`); throws `code` when they are too long, malformed or not canonical. */
export function decodeCanonical<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  maxBytes: number,
  code: ErrorCode,
): MessageShape<Desc> {
  if (bytes.length > maxBytes) {
    throw new QightError(code, `Cannot read ${schema.name}: ${bytes.length} bytes, at most ${maxBytes} are allowed`);
  }
  let message: MessageShape<Desc>;
  try {
    message = fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new QightError(code, `Cannot read ${schema.name}: it is not well-formed`, { cause });
  }
  if (!same(toBinary(schema, message), bytes)) {
    throw new QightError(code, `Cannot read ${schema.name}: its encoding is not canonical`);
  }
  return message;
}

/** A protobuf number as a JavaScript number; throws `code` beyond 2^53 - 1. */
export function safeNumber(value: bigint, what: string, code: ErrorCode): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new QightError(code, `${what} is too large`);
  return Number(value);
}

// Public bytes: an early return is fine.
function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
