/** The short way through a frame gives what the ordinary decoder gives, or leaves it the word. @module */
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import assert from "node:assert/strict";
import { SendRequestSchema } from "../../proto/gen/qight/v1/delivery_pb.ts";
import { loneBytes } from "../../proto/lone_field.ts";

const SEED = 20261121;

const rows: [what: string, message: number[], lone: number[] | null][] = [
  ["one field", [0x0a, 2, 7, 8], [7, 8]],
  ["an empty field", [0x0a, 0], []],
  ["a padded length, which decoders accept", [0x0a, 0x82, 0x00, 7, 8], [7, 8]],
  ["nothing at all", [], null],
  ["a field that is cut off", [0x0a, 3, 7, 8], null],
  ["a length that is cut off", [0x0a, 0x80], null],
  ["a length beyond 32 bits", [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 7], null],
  ["another field behind it", [0x0a, 1, 7, 0x10, 1], null],
  ["the same field twice", [0x0a, 1, 7, 0x0a, 1, 8], null],
  ["another field alone", [0x10, 1], null],
];
for (const [what, message, lone] of rows) {
  Deno.test(`the short way: ${what} ${lone ? "is read" : "is left to the decoder"}`, () => {
    assert.deepEqual(loneBytes(Uint8Array.from(message)), lone && Uint8Array.from(lone));
  });
}

Deno.test(`what the short way reads is what protobuf-es reads (seed ${SEED})`, () => {
  let read = 0;
  const byte = fc.oneof(fc.constantFrom(0x0a, 0x10, 0x80, 0, 1, 2, 3), fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 7 }), (rest) => {
      const bytes = [0x0a, ...rest];
      const lone = loneBytes(Uint8Array.from(bytes));
      if (lone === null) return;
      read++;
      const decoded = fromBinary(SendRequestSchema, Uint8Array.from(bytes), { readUnknownFields: false });
      assert.deepEqual(lone, decoded.envelope);
      assert.equal(decoded.receipt, false);
    }),
    { seed: SEED, numRuns: 20_000 },
  );
  assert.ok(read > 500, `only ${read} inputs took the short way`);
});
