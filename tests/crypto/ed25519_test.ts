/** The one Ed25519 rule: what is refused, whoever else may accept it. @module */
import assert from "node:assert/strict";
import { ed25519 } from "@noble/curves/ed25519.js";
import { checkPublicKey, signerFromSeed, verifyEd25519 } from "../../crypto/ed25519.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { ada, seedOf } from "./samples.ts";

const message = new TextEncoder().encode("hello");
const P_MINUS_1 = "ec" + "ff".repeat(30) + "7f";
const ORDER_8_A = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
const ORDER_8_B = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";

Deno.test("public keys of small order and second encodings are refused", async () => {
  const rows: [string, string][] = [
    ["y = 0, order 4", "00".repeat(32)],
    ["y = 0 with the sign bit", "00".repeat(31) + "80"],
    ["y = 1, the neutral element", "01" + "00".repeat(31)],
    ["y = 1 with the sign bit", "01" + "00".repeat(30) + "80"],
    ["y = p - 1, order 2", P_MINUS_1],
    ["y = p - 1 with the sign bit", P_MINUS_1.slice(0, 62) + "ff"],
    ["order 8", ORDER_8_A],
    ["order 8, negative", ORDER_8_A.slice(0, 62) + "85"],
    ["the other order 8", ORDER_8_B],
    ["the other order 8, negative", ORDER_8_B.slice(0, 62) + "fa"],
    ["y = p, a second 0", "ed" + "ff".repeat(30) + "7f"],
    ["y = p + 1, a second 1", "ee" + "ff".repeat(30) + "7f"],
    ["y = 2^255 - 1", "ff".repeat(31) + "7f"],
    ["y = 2^255 - 1 with the sign bit", "ff".repeat(32)],
    ["31 bytes", "11".repeat(31)],
    ["33 bytes", "11".repeat(33)],
    ["nothing", ""],
  ];
  // Under a key of small order this signature (R = neutral element, S = 0) fits every message for many verifiers.
  const universal = fromHex("01" + "00".repeat(63));
  for (const [what, key] of rows) {
    assert.throws(() => checkPublicKey(fromHex(key)), { code: "bad_signature" }, what);
    assert.equal(await verifyEd25519(fromHex(key), message, universal), false, what);
  }
  checkPublicKey(ada.publicKey);
});

Deno.test("a signature with S of L or more, or with a second encoding of R, is refused", async () => {
  const signature = await ada.sign(message);
  assert.equal(await verifyEd25519(ada.publicKey, message, signature), true);
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = fromLittle(signature.subarray(32));
  const neutral = "01" + "00".repeat(30);
  const rows: [string, Uint8Array][] = [
    ["S + L", withS(signature, s + order)],
    ["S = L", withS(signature, order)],
    ["S = 2^256 - 1", withS(signature, 2n ** 256n - 1n)],
    ["R with y = p", withR(signature, "ed" + "ff".repeat(30) + "7f")],
    ["R = neutral element with the sign bit", withR(signature, neutral + "80")],
    ["R = p - 1 with the sign bit", withR(signature, P_MINUS_1.slice(0, 62) + "ff")],
    ["63 bytes", signature.subarray(1)],
    ["65 bytes", Uint8Array.of(...signature, 0)],
  ];
  for (const [what, bad] of rows) assert.equal(await verifyEd25519(ada.publicKey, message, bad), false, what);
});

Deno.test("a signature of the neutral element with the sign bit is refused although R decodes to the right point", async () => {
  // S = k·a makes R = 0·B, the neutral element: valid with its one encoding, and only with that.
  const { scalar } = ed25519.utils.getExtendedPublicKey(seedOf(0x0a));
  for (const [encoding, valid] of [["01" + "00".repeat(31), true], ["01" + "00".repeat(30) + "80", false]] as const) {
    const r = fromHex(encoding);
    const digest = await crypto.subtle.digest("SHA-512", Uint8Array.of(...r, ...ada.publicKey, ...message));
    const k = ed25519.Point.Fn.create(fromLittle(new Uint8Array(digest)));
    const signature = withS(Uint8Array.of(...r, ...new Uint8Array(32)), ed25519.Point.Fn.mul(k, scalar));
    assert.equal(await verifyEd25519(ada.publicKey, message, signature), valid, encoding);
  }
});

Deno.test("every changed bit of message, key or signature makes a signature invalid", async () => {
  const signature = await ada.sign(message);
  for (const part of [message, signature, ada.publicKey]) {
    for (let bit = 0; bit < part.length * 8; bit += 3) {
      const changed = part.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      const pick = (it: Uint8Array) => it === part ? changed : it;
      assert.equal(await verifyEd25519(pick(ada.publicKey), pick(message), pick(signature)), false, `bit ${bit}`);
    }
  }
});

Deno.test("the signer agrees with another implementation, and refuses a seed of another length", async () => {
  const signer = await signerFromSeed(seedOf(0x42));
  assert.equal(hex(signer.publicKey), hex(ed25519.getPublicKey(seedOf(0x42))));
  assert.equal(hex(await signer.sign(message)), hex(ed25519.sign(message, seedOf(0x42))));
  await assert.rejects(signerFromSeed(new Uint8Array(31)), { code: "bad_key_file" });
});

Deno.test("the cache of imported keys never confuses keys, also when it overflows and when a caller's array changes", async () => {
  const signature = await ada.sign(message);
  const key = ada.publicKey.slice();
  assert.equal(await verifyEd25519(key, message, signature), true);
  for (let i = 0; i < 5000; i++) {
    const other = seedOf(3);
    new DataView(other.buffer).setUint32(0, i);
    assert.equal(await verifyEd25519(other, message, signature), false);
  }
  assert.equal(await verifyEd25519(ada.publicKey, message, signature), true);
  key[0] ^= 1;
  assert.equal(await verifyEd25519(key, message, signature), false);
});

function fromLittle(bytes: Uint8Array): bigint {
  return BigInt("0x" + hex(bytes.slice().reverse()));
}

function withS(signature: Uint8Array, s: bigint): Uint8Array {
  const out = signature.slice();
  out.set(fromHex(s.toString(16).padStart(64, "0")).reverse(), 32);
  return out;
}

function withR(signature: Uint8Array, r: string): Uint8Array {
  const out = signature.slice();
  out.set(fromHex(r));
  return out;
}
