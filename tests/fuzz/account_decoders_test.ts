/**
 * 20,000 damaged inputs for each decoder of accounts, devices and passwords: out comes a value or a typed error of its own,
 * quickly, and without holding memory.
 * @module
 */
import assert from "node:assert/strict";
import { accountDecoders } from "./account_decoders.ts";
import { faults, fuzz } from "./fuzz.ts";

const SEED = 20_261_122;
const INPUTS = 20_000;

for (const decoder of accountDecoders) {
  Deno.test(`${INPUTS} damaged ${decoder.what} end in a value or a typed error, none slowly (seed ${SEED})`, async () => {
    assert.deepEqual(faults(decoder, await fuzz(decoder, SEED, INPUTS)), []);
  });
}
