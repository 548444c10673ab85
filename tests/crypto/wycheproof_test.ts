/** Holds the primitives that crypto/ builds on to the Wycheproof vectors. @module */
import assert from "node:assert/strict";
import { chacha20poly1305, xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { concat } from "../../crypto/concat.ts";
import { verifyEd25519 } from "../../crypto/ed25519.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { fallbackMlDsa, type MlDsa, nativeMlDsa } from "../../crypto/ml_dsa.ts";
import { subtle } from "../../crypto/webcrypto.ts";
import { vectorTest, wycheproof } from "./vectors.ts";

vectorTest("Ed25519 agrees with all 151 Wycheproof vectors", async () => {
  const cases = wycheproof("ed25519");
  assert.equal(cases.length, 151);
  for (const { group, test } of cases) {
    const ok = await verifyEd25519(fromHex(group.publicKey.pk), fromHex(test.msg), fromHex(test.sig));
    assert.equal(ok, test.result === "valid", `tcId ${test.tcId} ${test.comment}`);
  }
});

vectorTest("X25519 of WebCrypto and of JavaScript agree with all 518 vectors and refuse all-zero results", async () => {
  const pkcs8 = fromHex("302e020100300506032b656e04220420");
  let zeros = 0;
  for (const { test } of wycheproof("x25519")) {
    const [point, secret] = [fromHex(test.public), fromHex(test.private)];
    const native = async () => {
      const key = await subtle.importKey("pkcs8", concat(pkcs8, secret), "X25519", false, ["deriveBits"]);
      const other = await subtle.importKey("raw", point, "X25519", false, []);
      return hex(new Uint8Array(await subtle.deriveBits({ name: "X25519", public: other }, key, 256)));
    };
    if (/^0+$/.test(test.shared)) {
      zeros++;
      await assert.rejects(native(), `tcId ${test.tcId}`);
      assert.throws(() => x25519.getSharedSecret(secret, point), `tcId ${test.tcId}`);
    } else {
      assert.equal(await native(), test.shared, `tcId ${test.tcId}`);
      assert.equal(hex(x25519.getSharedSecret(secret, point)), test.shared, `tcId ${test.tcId}`);
    }
  }
  assert.ok(zeros >= 30, `${zeros} all-zero results`);
});

vectorTest("ML-KEM-768 of WebCrypto and of JavaScript agree with all 193 vectors", async () => {
  for (const { test } of wycheproof("mlkem_768")) {
    const native = async () => {
      const key = await subtle.importKey("raw-seed", fromHex(test.seed), "ML-KEM-768", true, ["decapsulateBits"]);
      const publicKey = await subtle.exportKey("raw-public", await subtle.getPublicKey(key, ["encapsulateBits"]));
      const secret = await subtle.decapsulateBits("ML-KEM-768", key, fromHex(test.c));
      return [hex(new Uint8Array(publicKey)), hex(new Uint8Array(secret))];
    };
    const javascript = () => {
      const { publicKey, secretKey } = ml_kem768.keygen(fromHex(test.seed));
      return Promise.resolve([hex(publicKey), hex(ml_kem768.decapsulate(fromHex(test.c), secretKey))]);
    };
    for (const way of [native, javascript]) {
      const answer = await outcome(way);
      if (test.result === "valid") assert.deepEqual(answer, [test.ek, test.K], `tcId ${test.tcId}`);
      else assert.ok(answer === null || answer[1] !== test.K, `tcId ${test.tcId} must be refused`);
    }
  }
});

const mlDsas: [string, MlDsa][] = [["WebCrypto", nativeMlDsa], ["JavaScript", fallbackMlDsa]];
for (const [name, dsa] of mlDsas) {
  vectorTest(`ML-DSA-65 of ${name} agrees with the 208 vectors of the empty context`, async () => {
    const cases = wycheproof("mldsa_65_verify").filter(({ test }) => !test.ctx || test.result !== "valid");
    assert.equal(cases.length, 208);
    for (const { group, test } of cases) {
      const ok = await dsa.verify(fromHex(group.publicKey), fromHex(test.msg), fromHex(test.sig));
      assert.equal(ok, test.result === "valid", `tcId ${test.tcId} ${test.comment}`);
    }
  });
}

vectorTest("AES-GCM of WebCrypto agrees with the vectors of 96-bit nonces and 128- and 256-bit keys", async () => {
  const cases = wycheproof("aes_gcm").filter(({ group }) => group.ivSize === 96 && group.keySize !== 192);
  assert.ok(cases.length > 100);
  for (const { test } of cases) {
    const key = await subtle.importKey("raw", fromHex(test.key), "AES-GCM", false, ["encrypt", "decrypt"]);
    const how = { name: "AES-GCM", iv: fromHex(test.iv), additionalData: fromHex(test.aad) };
    const plain = await outcome(async () => hex(new Uint8Array(await subtle.decrypt(how, key, sealed(test)))));
    assert.equal(plain, test.result === "valid" ? test.msg : null, `tcId ${test.tcId}`);
    if (test.result !== "valid") continue;
    assert.equal(hex(new Uint8Array(await subtle.encrypt(how, key, fromHex(test.msg)))), hex(sealed(test)));
  }
});

for (
  const [name, aead, count] of [
    ["chacha20_poly1305", chacha20poly1305, 325],
    ["xchacha20_poly1305", xchacha20poly1305, 315],
  ] as const
) {
  vectorTest(`${name} agrees with all ${count} vectors`, async () => {
    const cases = wycheproof(name);
    assert.equal(cases.length, count);
    for (const { test } of cases) {
      const run = () => aead(fromHex(test.key), fromHex(test.iv), fromHex(test.aad));
      const plain = await outcome(() => Promise.resolve(hex(run().decrypt(sealed(test)))));
      assert.equal(plain, test.result === "valid" ? test.msg : null, `tcId ${test.tcId}`);
      if (test.result === "valid") assert.equal(hex(run().encrypt(fromHex(test.msg))), hex(sealed(test)));
    }
  });
}

vectorTest("HKDF-SHA256 of WebCrypto agrees with all 86 vectors", async () => {
  for (const { test } of wycheproof("hkdf_sha256")) {
    const okm = await outcome(async () => {
      const key = await subtle.importKey("raw", fromHex(test.ikm), "HKDF", false, ["deriveBits"]);
      const how = { name: "HKDF", hash: "SHA-256", salt: fromHex(test.salt), info: fromHex(test.info) };
      return hex(new Uint8Array(await subtle.deriveBits(how, key, test.size * 8)));
    });
    assert.equal(okm, test.result === "valid" ? test.okm : null, `tcId ${test.tcId}`);
  }
});

function sealed(test: { ct: string; tag: string }): Uint8Array {
  return fromHex(test.ct + test.tag);
}

/** What the work gives, or null when it refuses. */
async function outcome<T>(work: () => Promise<T>): Promise<T | null> {
  return await new Promise<T>((resolve) => resolve(work())).catch((refused: unknown) => {
    assert.ok(refused instanceof Error);
    return null;
  });
}
