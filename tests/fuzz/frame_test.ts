/**
 * 20,000 damaged inputs for the frame reader and for the decoder of every message that crosses the wire: the only
 * thing that may come out is a message or a typed error, quickly, and without holding memory.
 * @module
 */
import assert from "node:assert/strict";
import { faults, fuzz } from "./fuzz.ts";
import { frameReader, messageDecoders } from "./wire_decoders.ts";

const SEED = 20_261_121;
const INPUTS = 20_000;

Deno.test(`the frame reader answers ${INPUTS} damaged streams with frames or a typed error (seed ${SEED})`, async () => {
  const fuzzed = await fuzz(frameReader, SEED, INPUTS);
  assert.deepEqual(faults(frameReader, fuzzed), []);
  for (const end of ["value", ...frameReader.codes] as const) assert.ok(fuzzed.ended.get(end)! > 100, end);
});

for (const decoder of messageDecoders) {
  Deno.test(`${decoder.what}: ${INPUTS} damaged inputs decode or are bad_frame (seed ${SEED})`, async () => {
    const fuzzed = await fuzz(decoder, SEED, INPUTS);
    assert.deepEqual(faults(decoder, fuzzed), []);
    for (const end of ["value", "bad_frame"] as const) assert.ok(fuzzed.ended.get(end)! > 100, end);
  });
}
