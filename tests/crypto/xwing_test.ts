/** X-Wing: the draft's vectors on both implementations, and each with the other. @module */
import assert from "node:assert/strict";
import { concat } from "../../crypto/concat.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { encapsulateWith, fallbackXWing, nativeXWing, type XWing } from "../../crypto/xwing.ts";
import { randomBytes } from "../../crypto/webcrypto.ts";
import { readVectors, vectorTest } from "./vectors.ts";

const ways: [string, XWing][] = [["WebCrypto", nativeXWing], ["JavaScript", fallbackXWing]];

for (const [name, xwing] of ways) {
  vectorTest(`X-Wing of ${name} makes the keys and secrets of the draft's vectors`, async () => {
    for (const { seed, pk, ct, ss } of readVectors("xwing/test-vectors.json")) {
      const keys = await xwing.keypairFromSeed(fromHex(seed));
      assert.equal(hex(keys.publicKey), pk);
      assert.equal(hex(await keys.decapsulate(fromHex(ct))), ss);
    }
  });

  Deno.test(`X-Wing of ${name} encapsulates to both implementations`, async () => {
    for (const [, other] of ways) {
      const keys = await other.keypairFromSeed(randomBytes(32));
      const recipient = await xwing.recipient(keys.publicKey);
      const { enc, sharedSecret } = await recipient.encapsulate();
      assert.equal(hex(await keys.decapsulate(enc)), hex(sharedSecret));
      assert.notEqual(hex((await recipient.encapsulate()).enc), hex(enc));
    }
  });

  Deno.test(`X-Wing of ${name} refuses malformed keys and ciphertexts with typed errors`, async () => {
    const keys = await xwing.keypairFromSeed(randomBytes(32));
    const { enc } = await (await xwing.recipient(keys.publicKey)).encapsulate();
    const smallOrder = concat(keys.publicKey.subarray(0, 1184), new Uint8Array(32));
    const beyondModulus = concat(new Uint8Array(1184).fill(0xff), keys.publicKey.subarray(1184));
    for (const key of [keys.publicKey.subarray(1), smallOrder, beyondModulus]) {
      await assert.rejects(async () => await (await xwing.recipient(key)).encapsulate(), { code: "bad_bundle" });
    }
    for (const bad of [enc.subarray(1), concat(enc.subarray(0, 1088), new Uint8Array(32))]) {
      await assert.rejects(keys.decapsulate(bad), { code: "cannot_open" });
    }
    await assert.rejects(async () => await xwing.keypairFromSeed(new Uint8Array(31)), { code: "bad_key_file" });
  });
}

vectorTest("X-Wing encapsulation from given randomness makes the draft's ciphertexts", async () => {
  for (const { eseed, pk, ct, ss } of readVectors("xwing/test-vectors.json")) {
    const { enc, sharedSecret } = await encapsulateWith(fromHex(pk), fromHex(eseed));
    assert.equal(hex(enc), ct);
    assert.equal(hex(sharedSecret), ss);
  }
});
