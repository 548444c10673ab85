/**
 * Damaged inputs for everything that crypto/mls/ reads: out comes a value or `bad_group_message`, quickly, and without
 * holding memory. Fewer than for other decoders, since each one computes signatures.
 * @module
 */
import assert from "node:assert/strict";
import { faults, fuzz } from "./fuzz.ts";
import { mlsDecoders } from "./mls_decoders.ts";

const SEED = 20_261_121;
const INPUTS = Number(Deno.env.get("QIGHT_MLS_INPUTS") ?? 400);

for (const decoder of mlsDecoders) {
  Deno.test(`${INPUTS} damaged ${decoder.what} end in a value or a typed error (seed ${SEED})`, async () => {
    assert.deepEqual(faults(decoder, await fuzz(decoder, SEED, INPUTS)), []);
  });
}
