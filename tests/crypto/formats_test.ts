/** The bytes of our own formats, labelled piece by piece: a change of any of them is a new format, never an edit. @module */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { fromBinary } from "@bufbuild/protobuf";
import { accountHash, deviceFingerprint } from "../../crypto/account.ts";
import { signBundle } from "../../crypto/bundle.ts";
import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { CONTENT_PLAIN, signEnvelope } from "../../crypto/envelope.ts";
import { commitTo } from "../../crypto/franking.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { safetyNumber } from "../../crypto/safety_number.ts";
import { openContent, sealedKeyId } from "../../crypto/seal.ts";
import { sessionProofMessage, signSessionProof } from "../../crypto/session_proof.ts";
import { signMessage } from "../../crypto/signed_message.ts";
import { openVault, sealVault, vaultNeedsPassphrase } from "../../crypto/vault.ts";
import { BundleSchema } from "../../proto/gen/qight/v1/account_pb.ts";
import { SignedEnvelopeSchema } from "../../proto/gen/qight/v1/envelope_pb.ts";
import {
  ada,
  adaAccount,
  bob,
  bobAccount,
  bobSealingKey,
  bobSecret,
  DAY,
  head,
  NOW,
  proofFields,
  seedOf,
} from "./samples.ts";

const ADA = "43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c";
const BOB = "66be7e332c7a453332bd9d0a7f7db055f5c5ef1a06ada66d98b39fb6810c473a";
const NOW_VARINT = "80c8e2e1c133";

Deno.test("layout: the account keys, hash and id of a seed", async () => {
  // Each key's seed = HKDF-SHA256(seed, no salt, the key's own info); done here by another implementation.
  const prk = extract(sha256, seedOf(0x01));
  const edSeed = expand(sha256, prk, new TextEncoder().encode("qight account ed25519 v1\0"), 32);
  assert.equal(hex((await signerFromSeed(edSeed)).publicKey), hex(adaAccount.keys.ed25519));
  assert.equal(hex(adaAccount.keys.ed25519), "f6ad09365aa8897bc26a0bc0405cf0b956c6bf5785b9c0c097401f988a652114");
  assert.equal(
    hex(sha256(adaAccount.keys.mlDsa65)),
    "9e6b73fec0a9467f916e7a78fcd43fecd7bf34f29c83f9ff3160e41cd50f69e4",
  );
  const hashed = concat(
    fromHex("7169676874206163636f756e7420763100"), // "qight account v1\0"
    adaAccount.keys.ed25519, // 32 bytes
    adaAccount.keys.mlDsa65, // 1952 bytes
  );
  assert.equal(hex(sha256(hashed)), "464ca49644f576e8ef5701faa101cf72d57749a683fb8a4d79f22923054d81f8");
  assert.equal(hex(await accountHash(adaAccount.keys)), hex(sha256(hashed)));
  assert.equal(adaAccount.id, "qid1gex2f9jy74mw3m6hq8a2zqw0wt2hwjdxs0ac5nte7g5jxp2ds8uq8dprdt");
  assert.equal(await deviceFingerprint(ada.publicKey), "SHA256:UG7xh510jOBxOw3QHaMq0qSxzpe1qFL/GIAMHlKYI3Y");
});

Deno.test("layout: the body of a bundle, and what its signatures cover", async () => {
  const { bytes } = await signBundle(adaAccount, {
    version: 3,
    createdAtMs: NOW,
    expiresAtMs: NOW + 365 * DAY,
    devices: [{ key: ada.publicKey, name: "laptop", addedAtMs: NOW }],
  });
  const body = [
    "0ac50f", // 1: account keys, 1989 bytes
    "0a20" + hex(adaAccount.keys.ed25519), // 1.1: Ed25519
    "12a00f" + hex(adaAccount.keys.mlDsa65), // 1.2: ML-DSA-65, 1952 bytes
    "1003", // 2: version 3
    "18" + NOW_VARINT, // 3: created
    "2080a0a79fb734", // 4: expires
    "2a31", // 5: a device, 49 bytes
    "0a20" + ADA, // 5.1: its key
    "12066c6170746f70", // 5.2: "laptop"
    "18" + NOW_VARINT, // 5.3: added
  ].join("");
  const bundle = fromBinary(BundleSchema, bytes);
  assert.equal(hex(bundle.body), body);
  assert.equal(bundle.mlDsa65Signature.length, 3309);
  const signed = concat(fromHex("71696768742062756e646c6520763100"), fromHex(body)); // "qight bundle v1\0"
  assert.equal(hex(await adaAccount.signEd25519(signed)), hex(bundle.ed25519Signature));
});

Deno.test("layout: a signed envelope", async () => {
  const bytes = await signEnvelope(ada, { ...head, contentType: CONTENT_PLAIN, payload: fromHex("dead") });
  const body = [
    "0801", // 1: version 1
    "1210000102030405060708090a0b0c0d0e0f", // 2: id
    "1a20" + ADA, // 3: sender
    "2220" + BOB, // 4: recipient
    "28" + NOW_VARINT, // 5: created
    "30901c", // 6: ttl 3600 s
    "3802", // 7: content type 2
    "4202dead", // 8: payload
  ].join("");
  const signature = "5115" + "0ee974df77d54443bb1e0e54ff15d9ffb47464a0a81d7d1c37682dc6394605dc" +
    "9bc0a051364a0740900afe7b3f9fe5641b0fc38e9eebfb149269543faa0c";
  assert.equal(hex(bytes), "0a68" + body + "1240" + signature);
  const signed = concat(fromHex("716967687420656e76656c6f706520763100"), fromHex(body)); // "qight envelope v1\0"
  assert.equal(hex(await ada.sign(signed)), signature);
});

Deno.test("layout: an envelope with a commitment, and what it commits to", async () => {
  const key = seedOf(5), content = fromHex("0a026869"); // Content: text "hi"
  const commitment = await commitTo(key, content);
  const preimage = "7169676874206672616e6b696e6720763100" + hex(key) + hex(content); // "qight franking v1\0"
  assert.equal(hex(commitment), createHash("sha256").update(fromHex(preimage)).digest("hex"));
  const fields = { ...head, contentType: CONTENT_PLAIN, payload: fromHex("dead") };
  const [without, with_] = [await signEnvelope(ada, fields), await signEnvelope(ada, { ...fields, commitment })];
  const bodyOf = (bytes: Uint8Array) => hex(fromBinary(SignedEnvelopeSchema, bytes).body);
  assert.equal(bodyOf(with_), bodyOf(without) + "4a20" + hex(commitment)); // 9: commitment
});

Deno.test("layout: a sealing key", () => {
  const outer = [
    "0a9f0a", // 1: body, 1311 bytes
    "0a20" + hex(bobAccount.hash), // 1.1: account hash
    "1220" + BOB, // 1.2: device
    "1a0848d2d18143f8fb79", // 1.3: key id
    "22c009" + hex(bobSealingKey.key), // 1.4: X-Wing key, 1216 bytes
    "28" + NOW_VARINT, // 1.5: created
    "3080a0db9fd033", // 1.6: expires
    "1240", // 2: signature
    "5cc18d3928a98320f82ca746e407b317ba7faec0b7c79f6eecd76f0e87c37f7c",
    "1ea4730c20c72f78bcf5c189a84a50adba83bfd6a917d8d45d4e85578ee3b802",
  ].join("");
  assert.equal(hex(bobSealingKey.bytes), outer);
  assert.equal(hex(sha256(bobSealingKey.key)).slice(0, 16), "48d2d18143f8fb79");
});

const sealed = JSON.parse(readFileSync(new URL("sealed_payload_v1.json", import.meta.url), "utf8"));
for (const suite of [1, 2]) {
  Deno.test(`layout: a payload sealed on the first day with suite ${suite} still opens`, async () => {
    const payload = fromHex(sealed[suite]);
    const parts = [
      `080${suite}`, // 1: suite
      "120848d2d18143f8fb79", // 2: key id
      "1ae008", // 3: X-Wing ciphertext, 1120 bytes
    ].join("");
    assert.equal(hex(payload.subarray(0, 15)), parts);
    assert.equal(hex(payload.subarray(15 + 1120, 15 + 1123)), "229002"); // 4: ct, 272 = 256 padded + 16 tag
    assert.equal(payload.length, 15 + 1120 + 3 + 272);
    assert.equal(hex(sealedKeyId(payload)), "48d2d18143f8fb79");
    const content = await openContent({ secretSeed: bobSecret, fields: { ...head, payload } });
    assert.equal(content.content?.body.value, "hi");
    assert.equal(hex(content.account), hex(adaAccount.hash));
  });
}

Deno.test("layout: a session proof", async () => {
  const message = [
    "71696768742073657373696f6e20763100", // "qight session v1\0"
    "0801", // 1: version 1
    "120471756963", // 2: "quic"
    "1a0e3132372e302e302e313a34343333", // 3: what was dialled
    "2220" + "c1".repeat(32), // 4: client nonce
    "2a20" + "d1".repeat(32), // 5: relay nonce
    "3206636c69656e74", // 6: "client"
    "3a20" + ADA, // 7: device
    "4220" + "ee".repeat(32), // 8: root
  ].join("");
  assert.equal(hex(sessionProofMessage({ ...proofFields, device: ada.publicKey })), message);
  assert.equal(
    hex(await signSessionProof(ada, proofFields)),
    "4501df576592769c6e7e9eaa0f1152c9c79e1091c6c89e662925e6ef4e20c1f0" +
      "7ccb7d18e8f7ea1d8a3d487154c6a2fdadcc2be66adc65e866c8c2ecf261d103",
  );
});

Deno.test("layout: a signed message covers its domain and a SHA-256", async () => {
  const bytes = new TextEncoder().encode("release 1.0");
  const signature = "ce42caa66b86a0e4c47e388b0c0bcea2b38f467b2078b9cdcd2143a97b0b56a5" +
    "d30828c6ea0e2a530588dc5134be21dc468bed515401b26fba1cfcf7447ff20b";
  assert.equal(hex(await signMessage(ada, bytes)), signature);
  const signed = concat(fromHex("7169676874206d65737361676520763100"), sha256(bytes)); // "qight message v1\0"
  assert.equal(hex(await ada.sign(signed)), signature);
});

Deno.test("layout: key files made on the first day, with and without a passphrase", async () => {
  const protectedFile = `qight key file v1
cWlnaHQgdmF1bHQgdjEAAQAATAAAAAACAf9V2Aq/vjkZ5nx3cYwnbfGtQy4SDEY4
A502CWrPFbP/O1jMpT2o5tD0CyFIgKhI64JVjs8AeRH9zj2V0FM7yp75MeAmUW80
U/gKPgP6b+59tkw9rr3LD9mHLp4rMZPNOVf2B6rorB575I5wPivwkS8Xyb7lfJpZ
+pSn2XTYl2FflPr6jzegQn+HQJLqaOoyA7SyNs9/3vxTqsOCeydWnbgVLbVhiLwq
MA==
end of key file
`;
  const header = [
    "7169676874207661756c7420763100", // "qight vault v1\0"
    "01", // kind: passphrase
    "00004c00", // memory: 19,456 KiB
    "00000002", // passes: 2
    "01", // lanes: 1
  ].join("");
  const binary = Uint8Array.from(atob(protectedFile.split("\n").slice(1, -2).join("")), (c) => c.charCodeAt(0));
  assert.equal(hex(binary.subarray(0, 25)), header);
  // header, salt 16, nonce 24, wrapped key 32 + 16, nonce 24, content 32 + 16, checksum 8
  assert.equal(binary.length, 25 + 16 + 24 + 48 + 24 + 48 + 8);
  assert.equal(hex(await openVault(protectedFile, "correct horse")), "07".repeat(32));
  assert.equal(vaultNeedsPassphrase(protectedFile), true);

  const plainFile = `qight key file v1
cWlnaHQgdmF1bHQgdjEAAAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH
yzQYF2V9Amw=
end of key file
`;
  assert.equal(await sealVault(seedOf(7), null), plainFile);
  assert.equal(hex(await openVault(plainFile, null)), "07".repeat(32));
  assert.equal(vaultNeedsPassphrase(plainFile), false);
});

Deno.test("layout: the safety number of two accounts, in either order", async () => {
  const digits = "839679976407822721860431271970" + "980299471698852814372795416420";
  assert.equal(await safetyNumber(adaAccount.hash, bobAccount.hash), digits);
  assert.equal(await safetyNumber(bobAccount.hash, adaAccount.hash), digits);
  // The half of the smaller hash (Ada's 464c… before Bob's da9d…) comes first and depends on that account alone.
  assert.equal((await safetyNumber(adaAccount.hash, seedOf(0xff))).slice(0, 30), digits.slice(0, 30));
  await assert.rejects(safetyNumber(adaAccount.hash, new Uint8Array(31)), { code: "bad_id" });
});

Deno.test("every signing domain is its own: none is the beginning of another", () => {
  const all = Object.values(domains).map(hex);
  for (const a of all) {
    assert.ok(a.endsWith("00"));
    for (const b of all) assert.ok(a === b || !b.startsWith(a), `${a} and ${b}`);
  }
  assert.equal(new Set(all).size, all.length);
  assert.equal(hex(bob.publicKey), BOB);
});
