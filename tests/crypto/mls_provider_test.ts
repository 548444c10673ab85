/** What crypto/mls/ computes with, against the providers that ts-mls brings. @module */
import assert from "node:assert/strict";
import type { CiphersuiteImpl } from "ts-mls";
import { ciphersuites, getCiphersuiteFromName } from "ts-mls/crypto/ciphersuite.js";
import { defaultCryptoProvider } from "ts-mls/crypto/implementation/default/provider.js";
import { hex } from "../../crypto/hex.ts";
import { functionsOf, SUITE_NAMES } from "../../crypto/mls/provider.ts";
import { isSuite } from "../../crypto/mls/suite.ts";
import { seedOf } from "./samples.ts";

const text = new TextEncoder();
const info = text.encode("info"), aad = text.encode("aad"), plaintext = text.encode("a path secret");

for (const suite of [83, 1] as const) {
  const ours = await functionsOf(suite);
  const theirs = await defaultCryptoProvider.getCiphersuiteImpl(getCiphersuiteFromName(SUITE_NAMES[suite]));
  const pairs: readonly (readonly [string, CiphersuiteImpl, CiphersuiteImpl])[] = [
    ["we to ts-mls's packages", ours, theirs],
    ["ts-mls's packages to us", theirs, ours],
  ];

  for (const [who, from, to] of pairs) {
    Deno.test(`MLS, suite ${suite}: HPKE ${who}: sealing, exporting, and keys that follow from a secret`, async () => {
      const ikm = seedOf(0x5d);
      const pair = await to.hpke.deriveKeyPair(ikm);
      const bytes = await to.hpke.exportPublicKey(pair.publicKey);
      const same = await from.hpke.deriveKeyPair(ikm);
      assert.equal(hex(await from.hpke.exportPublicKey(same.publicKey)), hex(bytes));
      const secret = await to.hpke.exportPrivateKey(pair.privateKey);
      assert.equal(hex(await from.hpke.exportPrivateKey(same.privateKey)), hex(secret));
      const publicKey = await from.hpke.importPublicKey(bytes);
      const privateKey = await to.hpke.importPrivateKey(secret);
      const { enc, ct } = await from.hpke.seal(publicKey, plaintext, info, aad);
      assert.deepEqual(await to.hpke.open(privateKey, enc, ct, info, aad), plaintext);
      await assert.rejects(to.hpke.open(privateKey, enc, ct, info));
      const long = new Uint8Array(400_000).fill(3); // as the GroupInfo of a large group in a Welcome
      const large = await from.hpke.seal(publicKey, plaintext, long);
      assert.deepEqual(await to.hpke.open(privateKey, large.enc, large.ct, long), plaintext);
      await assert.rejects(to.hpke.open(privateKey, enc, ct, aad, aad));
      const sent = await from.hpke.exportSecret(publicKey, aad, 64, info);
      assert.equal(hex(await to.hpke.importSecret(privateKey, aad, sent.enc, 64, info)), hex(sent.secret));
      assert.deepEqual([from.hpke.keyLength, from.hpke.nonceLength], [to.hpke.keyLength, to.hpke.nonceLength]);
    });
  }

  Deno.test(`MLS, suite ${suite}: hashes, key derivation, ciphers and signatures are those of ts-mls's packages`, async () => {
    const key = seedOf(1).subarray(0, ours.hpke.keyLength), nonce = seedOf(2).subarray(0, 12);
    for (const size of [0, 100, 3000]) {
      const data = new Uint8Array(size).fill(9);
      assert.deepEqual(await ours.hash.digest(data), await theirs.hash.digest(data));
      assert.deepEqual(await ours.hash.mac(key, data), await theirs.hash.mac(key, data));
      assert.ok(await ours.hash.verifyMac(key, await theirs.hash.mac(key, data), data));
      assert.equal(await ours.hash.verifyMac(key, new Uint8Array(ours.kdf.size), data), false);
      const salt = new Uint8Array(ours.kdf.size).fill(7); // @hpke takes no other length
      assert.deepEqual(await ours.kdf.extract(salt, data), await theirs.kdf.extract(salt, data));
      const prk = await theirs.kdf.extract(salt, data);
      assert.deepEqual(await ours.kdf.expand(prk, data, 77), await theirs.kdf.expand(prk, data, 77));
      const sealed = await ours.hpke.encryptAead(key, nonce, info, data);
      assert.deepEqual(await theirs.hpke.decryptAead(key, nonce, info, sealed), data);
      const { signKey, publicKey } = await ours.signature.keygen();
      assert.ok(await theirs.signature.verify(publicKey, data, await ours.signature.sign(signKey, data)));
      assert.ok(await ours.signature.verify(publicKey, data, await theirs.signature.sign(signKey, data)));
    }
    assert.equal(ours.kdf.size, theirs.kdf.size);
    assert.equal(ciphersuites[ours.name], suite);
  });
}

Deno.test("MLS: the suites of qight are 83 and 1, and no others", () => {
  assert.deepEqual([...Array(200).keys()].filter(isSuite), [1, 83]);
});
