/**
 * The frame reader and the decoder of every message that crosses the wire, with samples made from the descriptors.
 * @module
 */
import { create, type DescField, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { encodeFrames, FrameReader } from "../../proto/frame.ts";
import { BundleBodySchema, BundleSchema, SealingKeyBodySchema } from "../../proto/gen/qight/v1/account_pb.ts";
import { EnvelopeBodySchema, SignedEnvelopeSchema } from "../../proto/gen/qight/v1/envelope_pb.ts";
import { CallHeaderSchema, PartSchema } from "../../proto/gen/qight/v1/frame_pb.ts";
import { HistoryLinesSchema, MovedLineSchema } from "../../proto/gen/qight/v1/history_pb.ts";
import { InviteRecordSchema } from "../../proto/gen/qight/v1/invite_pb.ts";
import { SealedContentSchema, SealedPayloadSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { methods } from "../../proto/methods.ts";
import { decode } from "../../relay/request_reader.ts";
import type { Decoder } from "./fuzz.ts";
import { type Chance, damage, someBytes } from "./seeded.ts";

const schemas = new Map<string, DescMessage>([
  CallHeaderSchema,
  PartSchema,
  SignedEnvelopeSchema,
  EnvelopeBodySchema,
  BundleSchema,
  BundleBodySchema,
  SealingKeyBodySchema,
  SealedPayloadSchema,
  SealedContentSchema,
  InviteRecordSchema,
  HistoryLinesSchema,
  MovedLineSchema,
  ...[...methods.values()].flatMap((method) => [method.descriptor.input, method.descriptor.output]),
].map((schema) => [schema.name, schema]));

/** The frame reader: damaged streams of up to three frames, in pieces of up to 32 bytes. */
export const frameReader: Decoder = {
  what: "frames",
  codes: ["bad_frame", "message_too_large"],
  async decode(chance) {
    const bytes = damage(
      encodeFrames(...Array.from({ length: chance(4) }, () => someBytes(chance, chance(60)))),
      chance,
    );
    let at = 0;
    const reader = new FrameReader(() => {
      if (at >= bytes.length) return Promise.resolve(null);
      return Promise.resolve(bytes.subarray(at, at += 1 + chance(32)));
    });
    while (await reader.next(100) !== null);
  },
};

/** Every message of the wire, by its name. */
export const messageDecoders: readonly Decoder[] = [...schemas].map(([what, schema]) => ({
  what,
  codes: ["bad_frame"],
  decode(chance) {
    const bytes = damage(toBinary(schema, sample(schema, chance)), chance);
    return decode(() => fromBinary(schema, bytes, { readUnknownFields: false }));
  },
}));

/** A valid message with chance contents, made from its descriptor. */
function sample(schema: DescMessage, chance: Chance): MessageShape<DescMessage> {
  const init: Record<string, unknown> = {};
  for (const field of schema.fields) {
    if (field.oneof) continue;
    if (field.fieldKind === "list") {
      init[field.localName] = Array.from({ length: chance(3) }, () => value(field, chance));
    } else if (chance(4) > 0) init[field.localName] = value(field, chance);
  }
  for (const oneof of schema.oneofs) {
    const field = oneof.fields[chance(oneof.fields.length)];
    init[oneof.localName] = { case: field.localName, value: value(field, chance) };
  }
  return create(schema, init);
}

function value(field: DescField, chance: Chance): unknown {
  if (field.message) return sample(field.message, chance);
  if (field.enum) return field.enum.values[chance(field.enum.values.length)].number;
  switch (typeof field.scalar === "number" ? scalarKind(field) : "number") {
    case "bytes":
      return someBytes(chance, [0, 8, 16, 32, 64][chance(5)]);
    case "string":
      return "é\u202e𐍈x".repeat(chance(6));
    case "bool":
      return chance(2) === 1;
    case "bigint":
      return BigInt(chance(2 ** 32)) << BigInt(chance(32));
    default:
      return chance(2 ** 32);
  }
}

/** Kind of a scalar, by its number in descriptor.proto. */
function scalarKind(field: DescField): "bytes" | "string" | "bool" | "bigint" | "number" {
  switch (field.scalar) {
    case 12:
      return "bytes";
    case 9:
      return "string";
    case 8:
      return "bool";
    case 3:
    case 4:
      return "bigint";
    default:
      return "number";
  }
}
