/**
 * How many fields a request has, before it is decoded: two bytes make an empty message, and each decoded one is an object
 * of a hundred and more. A report of 4 MiB could else take 250 MB and seconds in which nobody else is served.
 * @module
 */
import type { DescMessage } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { QightError } from "../proto/errors.ts";

/** Fields of one request, nested ones among them: more than the largest list that any call takes. */
export const MAX_FIELDS = 65_536;

/** Throws `bad_frame` for a request with more than `MAX_FIELDS` fields; what does not parse throws as it would later. */
export function checkFieldCount(schema: DescMessage, bytes: Uint8Array): void {
  count(schema, bytes, MAX_FIELDS);
}

/** Answers how many are left. */
function count(schema: DescMessage, bytes: Uint8Array, allowed: number): number {
  const reader = new BinaryReader(bytes);
  let left = allowed;
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (--left < 0) throw new QightError("bad_frame", `A request has at most ${MAX_FIELDS} fields`);
    const message = type === WireType.LengthDelimited ? messageOf(schema, number) : null;
    if (message) left = count(message, reader.bytes(), left);
    else reader.skip(type, number);
  }
  return left;
}

function messageOf(schema: DescMessage, number: number): DescMessage | null {
  return schema.fields.find((field) => field.number === number)?.message ?? null;
}
