/**
 * 20,000 damaged inputs for the frame reader and for the decoder of every message that crosses the wire: the only
 * thing that may come out is a message or a typed error, quickly, and without holding memory.
 * @module
 */
import assert from "node:assert/strict";
import { create, type DescField, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../../proto/errors.ts";
import { encodeFrames, FrameReader } from "../../proto/frame.ts";
import { BundleBodySchema, BundleSchema, SealingKeyBodySchema } from "../../proto/gen/qight/v1/account_pb.ts";
import { EnvelopeBodySchema, SignedEnvelopeSchema } from "../../proto/gen/qight/v1/envelope_pb.ts";
import { CallHeaderSchema, PartSchema } from "../../proto/gen/qight/v1/frame_pb.ts";
import { SealedContentSchema, SealedPayloadSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { methods } from "../../proto/methods.ts";
import { decode } from "../../relay/request_reader.ts";
import { type Chance, createChance, damage, someBytes } from "./seeded.ts";

const SEED = 20_261_121;
const INPUTS = 20_000;
/** A single input may take this long, in milliseconds (the machine may be busy; the usual time is microseconds). */
const SLOWEST_MS = 100;
const MOST_HEAP = 50 << 20;

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
  ...[...methods.values()].flatMap((method) => [method.descriptor.input, method.descriptor.output]),
].map((schema) => [schema.name, schema]));

Deno.test(`the frame reader answers ${INPUTS} damaged streams with frames or a typed error (seed ${SEED})`, async () => {
  const chance = createChance(SEED);
  const ended = { whole: 0, bad_frame: 0, message_too_large: 0 };
  const watch = watchCosts();
  for (let input = 0; input < INPUTS; input++) {
    const frames = Array.from({ length: chance(4) }, () => someBytes(chance, chance(60)));
    const bytes = damage(encodeFrames(...frames), chance);
    const began = performance.now();
    ended[await readToEnd(bytes, chance)]++;
    watch.note(performance.now() - began);
  }
  watch.check();
  for (const [how, times] of Object.entries(ended)) assert.ok(times > 100, `${how}: only ${times} inputs`);
});

for (const [name, schema] of schemas) {
  Deno.test(`${name}: ${INPUTS} damaged inputs decode or are bad_frame (seed ${SEED})`, () => {
    const chance = createChance(SEED ^ name.length);
    const watch = watchCosts();
    const seen = { decoded: 0, refused: 0 };
    for (let input = 0; input < INPUTS; input++) {
      const bytes = damage(toBinary(schema, sample(schema, chance)), chance);
      const began = performance.now();
      try {
        decode(() => fromBinary(schema, bytes, { readUnknownFields: false }));
        seen.decoded++;
      } catch (error) {
        if (!(error instanceof QightError && error.code === "bad_frame")) throw error;
        seen.refused++;
      }
      watch.note(performance.now() - began);
    }
    watch.check();
    assert.ok(seen.decoded > 100 && seen.refused > 100, JSON.stringify(seen));
  });
}

async function readToEnd(bytes: Uint8Array, chance: Chance) {
  let at = 0;
  const reader = new FrameReader(() => {
    if (at >= bytes.length) return Promise.resolve(null);
    return Promise.resolve(bytes.subarray(at, at += 1 + chance(32)));
  });
  try {
    while (await reader.next(100) !== null);
    return "whole";
  } catch (error) {
    if (error instanceof QightError && (error.code === "bad_frame" || error.code === "message_too_large")) {
      return error.code;
    }
    throw error;
  }
}

/** Fails when one input was slow or memory was kept. */
function watchCosts() {
  const heapBefore = Deno.memoryUsage().heapUsed;
  let slow = 0;
  return {
    note: (ms: number) => void (slow += ms > SLOWEST_MS ? 1 : 0),
    check() {
      // One pause of a busy machine is not a slow decoder; an input that is slow by itself comes in families.
      assert.ok(slow <= 1, `${slow} inputs took more than ${SLOWEST_MS} ms`);
      assert.ok(Deno.memoryUsage().heapUsed - heapBefore < MOST_HEAP, "memory was kept");
    },
  };
}

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
