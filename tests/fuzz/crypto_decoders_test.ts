/**
 * 20,000 damaged inputs for each decoder of crypto/, and of the files and lines that people hand over: out comes a value
 * or a typed error of its own, quickly, and without holding memory.
 * @module
 */
import assert from "node:assert/strict";
import { cryptoDecoders } from "./crypto_decoders.ts";
import { faults, fuzz } from "./fuzz.ts";
import { textDecoders } from "./text_decoders.ts";

const SEED = 20_261_121;
const INPUTS = 20_000;

for (const decoder of [...cryptoDecoders, ...textDecoders]) {
  const { what } = decoder;
  Deno.test(`${INPUTS} damaged ${what} end in a value or a typed error, none slowly (seed ${SEED})`, async () => {
    assert.deepEqual(faults(decoder, await fuzz(decoder, SEED, INPUTS)), []);
  });
}
