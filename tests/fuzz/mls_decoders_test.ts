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

/** Undamaged ones among them join or commit: dozens of signatures and key pairs, 30 ms of a machine that is not busy. */
const SLOWER = 10;

for (const decoder of mlsDecoders) {
  Deno.test(`${INPUTS} damaged ${decoder.what} end in a value or a typed error (seed ${SEED})`, async () => {
    const found = await fuzz(decoder, SEED, INPUTS);
    assert.deepEqual(faults(decoder, { ...found, slowestMs: found.slowestMs / SLOWER }), []);
  });
}
