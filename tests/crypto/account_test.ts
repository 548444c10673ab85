/** Accounts, their ids, bundles and sealing keys: what is accepted and what is refused. @module */
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { accountFromSeed, formatAccountId, parseAccountId } from "../../crypto/account.ts";
import { type BundleFields, checkSuccessor, openBundle, signBundle } from "../../crypto/bundle.ts";
import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import { hex } from "../../crypto/hex.ts";
import { fallbackMlDsa, nativeMlDsa } from "../../crypto/ml_dsa.ts";
import { makeSealingKey, openSealingKey } from "../../crypto/sealing_key.ts";
import {
  BundleBodySchema,
  BundleSchema,
  SealingKeyBodySchema,
  SealingKeySchema,
} from "../../proto/gen/qight/v1/account_pb.ts";
import { ada, adaAccount, bob, bobAccount, bobSealingKey, bobSecret, DAY, eve, NOW, seedOf } from "./samples.ts";

const device = { key: ada.publicKey, name: "laptop", addedAtMs: NOW };
const fields: BundleFields = { version: 3, createdAtMs: NOW, expiresAtMs: NOW + DAY, devices: [device] };

Deno.test("an id reads back in either case and as 64 hex digits", () => {
  for (
    const text of [adaAccount.id, adaAccount.id.toUpperCase(), hex(adaAccount.hash), hex(adaAccount.hash).toUpperCase()]
  ) {
    assert.deepEqual(parseAccountId(text), adaAccount.hash);
  }
});

Deno.test("every single mistyped character of an id is refused, and so are other shapes", () => {
  const { id } = adaAccount;
  for (let at = 0; at < id.length; at++) {
    const typo = id.slice(0, at) + (id[at] === "q" ? "p" : "q") + id.slice(at + 1);
    assert.throws(() => parseAccountId(typo), { code: "bad_id" }, typo);
  }
  const mixed = id.slice(0, 10).toUpperCase() + id.slice(10);
  const bech32 = "qid1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0jqgmpqhs"; // not our length
  for (
    const bad of [
      "",
      "qid1",
      id.slice(1),
      id + "q",
      mixed,
      bech32,
      " " + id,
      hex(adaAccount.hash) + "00",
      "g".repeat(64),
    ]
  ) {
    assert.throws(() => parseAccountId(bad), { code: "bad_id" }, bad);
  }
  assert.throws(() => formatAccountId(new Uint8Array(31)), { code: "bad_id" });
});

Deno.test("an account seed of another length is refused", async () => {
  await assert.rejects(accountFromSeed(new Uint8Array(33)), { code: "bad_key_file" });
});

Deno.test("native and JavaScript ML-DSA-65 make the same keys and accept each other's signatures", async () => {
  const [one, two] = await Promise.all([
    nativeMlDsa.signerFromSeed(seedOf(4)),
    fallbackMlDsa.signerFromSeed(seedOf(4)),
  ]);
  assert.equal(hex(one.publicKey), hex(two.publicKey));
  const text = new TextEncoder().encode("text");
  assert.equal(await nativeMlDsa.verify(one.publicKey, text, await two.sign(text)), true);
  assert.equal(await fallbackMlDsa.verify(one.publicKey, text, await one.sign(text)), true);
  assert.equal(await nativeMlDsa.verify(one.publicKey, text, new Uint8Array(3309)), false);
});

Deno.test("a bundle opens to what was signed, and expires when a time is given", async () => {
  const made = await signBundle(adaAccount, fields);
  const opened = await openBundle(made.bytes, NOW);
  assert.deepEqual(opened, made);
  assert.equal(opened.accountId, adaAccount.id);
  assert.deepEqual(opened.devices, [device]);
  await assert.rejects(openBundle(made.bytes, NOW + DAY), { code: "bad_bundle" });
});

Deno.test("a bundle that breaks a rule is refused", async () => {
  const many = Array.from({ length: 9 }, (_, i) => ({ ...device, key: seedOf(0x20 + i) }));
  const rows: [string, Partial<BundleFields>][] = [
    ["no device", { devices: [] }],
    ["nine devices", { devices: many }],
    ["a device twice", { devices: [device, { ...device, name: "other" }] }],
    ["a device key of small order", { devices: [{ ...device, key: new Uint8Array(32) }] }],
    ["a short device key", { devices: [{ ...device, key: new Uint8Array(31).fill(3) }] }],
    ["a long name", { devices: [{ ...device, name: "ä".repeat(65) }] }],
    ["version 0", { version: 0 }],
    ["version 2^53", { version: 2 ** 53 }],
    ["half a version", { version: 1.5 }],
    ["expiry before creation", { expiresAtMs: NOW }],
  ];
  for (const [what, change] of rows) {
    await assert.rejects(signBundle(adaAccount, { ...fields, ...change }), { code: "bad_bundle" }, what);
  }
  await signBundle(adaAccount, { ...fields, devices: many.slice(0, 8) });
});

Deno.test("a bundle needs both signatures, over its domain, by its own account, in canonical form", async () => {
  const { bytes } = await signBundle(adaAccount, fields);
  const good = fromBinary(BundleSchema, bytes);
  const signed = concat(domains.bundle, good.body);
  const build = (change: Partial<typeof good>) => toBinary(BundleSchema, { ...good, ...change });
  const body = fromBinary(BundleBodySchema, good.body);
  const foreign = toBinary(BundleBodySchema, {
    ...body,
    account: { ...body.account!, mlDsa65: bobAccount.keys.mlDsa65 },
  });
  const rows: [string, Uint8Array][] = [
    ["another Ed25519 signer", build({ ed25519Signature: await bobAccount.signEd25519(signed) })],
    ["another ML-DSA signer", build({ mlDsa65Signature: await bobAccount.signMlDsa65(signed) })],
    ["no Ed25519 signature", build({ ed25519Signature: new Uint8Array(0) })],
    ["no ML-DSA signature", build({ mlDsa65Signature: new Uint8Array(0) })],
    ["no domain", build({ ed25519Signature: await adaAccount.signEd25519(good.body) })],
    [
      "another ML-DSA key",
      build({ body: foreign, ed25519Signature: await adaAccount.signEd25519(concat(domains.bundle, foreign)) }),
    ],
    ["an unknown field behind", concat(bytes, Uint8Array.of(0x20, 1))],
    ["an empty body", build({ body: new Uint8Array(0) })],
    ["too many bytes", new Uint8Array(100_000)],
  ];
  for (const [what, bad] of rows) await assert.rejects(openBundle(bad), { code: "bad_bundle" }, what);
  const unknownInside = concat(good.body, Uint8Array.of(0x38, 1));
  const resigned = build({
    body: unknownInside,
    ed25519Signature: await adaAccount.signEd25519(concat(domains.bundle, unknownInside)),
    mlDsa65Signature: await adaAccount.signMlDsa65(concat(domains.bundle, unknownInside)),
  });
  await assert.rejects(openBundle(resigned), { code: "bad_bundle", message: /canonical/ });
});

Deno.test("every changed byte of a bundle is refused", async () => {
  const { bytes } = await signBundle(adaAccount, fields);
  for (let at = 0; at < bytes.length; at += at < 120 ? 1 : 37) {
    const changed = bytes.slice();
    changed[at] ^= 0x01;
    await assert.rejects(openBundle(changed), { code: "bad_bundle" }, `byte ${at}`);
  }
});

Deno.test("a bundle's successor must be newer, or the very same", async () => {
  const three = await signBundle(adaAccount, fields);
  const otherThree = await signBundle(adaAccount, { ...fields, devices: [{ ...device, name: "other" }] });
  const two = await signBundle(adaAccount, { ...fields, version: 2 });
  const four = await signBundle(adaAccount, { ...fields, version: 4 });
  checkSuccessor(null, three);
  checkSuccessor(three, three);
  checkSuccessor(three, four);
  assert.throws(() => checkSuccessor(three, two), { code: "key_changed" });
  assert.throws(() => checkSuccessor(three, otherThree), { code: "key_changed" });
  const devicesOnly = await signBundle(adaAccount, { ...fields, version: 5, devicesOnly: true });
  assert.deepEqual([four.devicesOnly, devicesOnly.devicesOnly], [false, true]);
  checkSuccessor(four, devicesOnly);
  checkSuccessor(devicesOnly, await signBundle(adaAccount, { ...fields, version: 6, devicesOnly: true }));
  const forgetful = await signBundle(adaAccount, { ...fields, version: 6 });
  assert.throws(() => checkSuccessor(devicesOnly, forgetful), { code: "key_changed", message: /forgets/ });
});

Deno.test("a sealing key opens to what was signed; changed, re-encoded and foreign ones are refused", async () => {
  assert.deepEqual(await openSealingKey(bobSealingKey.bytes), bobSealingKey);
  for (let at = 0; at < bobSealingKey.bytes.length; at += at < 120 || at > 1300 ? 1 : 23) {
    const changed = bobSealingKey.bytes.slice();
    changed[at] ^= 0x01;
    await assert.rejects(openSealingKey(changed), { code: "bad_bundle" }, `byte ${at}`);
  }
  const good = fromBinary(SealingKeySchema, bobSealingKey.bytes);
  const resign = async (body: Uint8Array, signer = bob) =>
    toBinary(
      SealingKeySchema,
      create(SealingKeySchema, { body, signature: await signer.sign(concat(domains.sealingKey, body)) }),
    );
  const parsed = fromBinary(SealingKeyBodySchema, good.body);
  const change = (part: Partial<typeof parsed>) => resign(toBinary(SealingKeyBodySchema, { ...parsed, ...part }));
  const rows: [string, Uint8Array][] = [
    ["another signer", await resign(good.body, eve)],
    ["an unknown field inside", await resign(concat(good.body, Uint8Array.of(0x38, 1)))],
    ["an unknown field outside", concat(bobSealingKey.bytes, Uint8Array.of(0x18, 1))],
    ["another key id", await change({ keyId: new Uint8Array(8) })],
    ["a short key", await change({ key: parsed.key.subarray(1) })],
    ["a short account", await change({ account: parsed.account.subarray(1) })],
    ["no lifetime", await change({ expiresAtMs: parsed.createdAtMs })],
    ["a date beyond 2^53", await change({ expiresAtMs: 2n ** 60n })],
  ];
  for (const [what, bad] of rows) await assert.rejects(openSealingKey(bad), { code: "bad_bundle" }, what);
  await assert.rejects(makeSealingKey(bob, bobAccount.hash, bobSecret, { createdAtMs: 0.5, expiresAtMs: 2 }), {
    code: "bad_bundle",
  });
});
