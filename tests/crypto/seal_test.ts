/** Sealing: only the recipient reads, nobody else can send it as theirs, sizes fall into classes. @module */
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { concat } from "../../crypto/concat.ts";
import {
  CONTENT_PLAIN,
  type EnvelopeFields,
  parseEnvelope,
  signEnvelope,
  verifyEnvelope,
} from "../../crypto/envelope.ts";
import { hex } from "../../crypto/hex.ts";
import { MAX_PADDED_CONTENT_BYTES, pad, PADDING_CLASSES, unpad } from "../../crypto/padding.ts";
import { openContent, sealContent, sealedKeyId } from "../../crypto/seal.ts";
import { SealedPayloadSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { bobSealingKey, bobSecret, contentOf, eve, head, sealedEnvelope, seedOf } from "./samples.ts";

const SEED = 20_261_121;

for (const suite of [1, 2] as const) {
  Deno.test(`suite ${suite}: what Ada seals, Bob opens`, async () => {
    const opened = parseEnvelope(await sealedEnvelope("disk full", suite));
    await verifyEnvelope(opened);
    assert.equal(hex(sealedKeyId(opened.payload)), hex(bobSealingKey.keyId));
    assert.deepEqual(await openContent({ secretSeed: bobSecret, fields: opened }), contentOf("disk full"));
  });

  Deno.test(`suite ${suite}: every changed byte of the payload is refused`, async () => {
    const payload = await sealContent({ to: bobSealingKey, suite, fields: head, content: contentOf("hi") });
    for (let at = 0; at < payload.length; at += at < 20 || at > 1100 ? 1 : 11) {
      const changed = payload.slice();
      changed[at] ^= 0x10;
      const opening = openContent({ secretSeed: bobSecret, fields: { ...head, payload: changed } });
      await assert.rejects(opening, { code: "cannot_open" }, `byte ${at}`);
    }
  });
}

Deno.test("regression of a stolen ciphertext: nobody can sign it again as theirs, nor for another recipient, id or date", async () => {
  const { payload } = parseEnvelope(await sealedEnvelope("pay Eve"));
  const stolen = parseEnvelope(await signEnvelope(eve, { ...head, sender: eve.publicKey, payload }));
  await verifyEnvelope(stolen); // Eve's own signature is fine; the seal is not hers
  await assert.rejects(openContent({ secretSeed: bobSecret, fields: stolen }), { code: "cannot_open" });
  const rows: Partial<EnvelopeFields>[] = [
    { recipient: eve.publicKey },
    { id: new Uint8Array(16) },
    { createdAtMs: head.createdAtMs + 1 },
    { ttlS: 0 },
    { contentType: CONTENT_PLAIN },
    { contentType: 3 },
  ];
  for (const change of rows) {
    const opening = openContent({ secretSeed: bobSecret, fields: { ...head, payload, ...change } });
    await assert.rejects(opening, { code: "cannot_open" }, Object.keys(change)[0]);
  }
});

Deno.test("another secret opens nothing, and a refilled array does not meet the key it held before", async () => {
  const fields = parseEnvelope(await sealedEnvelope("hi"));
  await assert.rejects(openContent({ secretSeed: seedOf(9), fields }), { code: "cannot_open" });
  const secretSeed = bobSecret.slice();
  await openContent({ secretSeed, fields });
  secretSeed.fill(0);
  await assert.rejects(openContent({ secretSeed, fields }), { code: "cannot_open" });
});

Deno.test("the same content sealed twice gives different bytes", async () => {
  const [one, two] = [await sealedEnvelope("hi"), await sealedEnvelope("hi")];
  assert.notEqual(hex(parseEnvelope(one).payload), hex(parseEnvelope(two).payload));
});

Deno.test("nothing is sealed to an expired key, another device's key, a broken key, or under another content type", async () => {
  const content = contentOf("hi");
  const rows: [string, string, Parameters<typeof sealContent>[0]][] = [
    ["an expired key", "bad_bundle", {
      to: { ...bobSealingKey, expiresAtMs: head.createdAtMs },
      fields: head,
      content,
    }],
    ["another device", "bad_envelope", { to: bobSealingKey, fields: { ...head, recipient: eve.publicKey }, content }],
    ["another type", "bad_envelope", { to: bobSealingKey, fields: { ...head, contentType: CONTENT_PLAIN }, content }],
    ["a broken key", "bad_bundle", {
      to: { ...bobSealingKey, key: new Uint8Array(1216).fill(0xff) },
      fields: head,
      content,
    }],
    ["no account", "bad_envelope", {
      to: bobSealingKey,
      fields: head,
      content: { ...content, account: new Uint8Array(0) },
    }],
    ["no lineage", "bad_envelope", {
      to: bobSealingKey,
      fields: head,
      content: { ...content, lineage: new Uint8Array(7) },
    }],
    ["no counter", "bad_envelope", { to: bobSealingKey, fields: head, content: { ...content, counter: 0n } }],
    ["too much", "message_too_large", { to: bobSealingKey, fields: head, content: contentOf("x".repeat(262_144)) }],
  ];
  for (const [what, code, options] of rows) await assert.rejects(sealContent(options), { code }, what);
});

Deno.test("a payload that is re-encoded, has unknown fields or an unknown suite is refused", async () => {
  const payload = await sealContent({ to: bobSealingKey, fields: head, content: contentOf("hi") });
  const parsed = fromBinary(SealedPayloadSchema, payload);
  const build = (change: Partial<typeof parsed>) =>
    toBinary(SealedPayloadSchema, create(SealedPayloadSchema, { ...parsed, ...change }));
  const rows: [string, Uint8Array][] = [
    ["an unknown field", concat(payload, Uint8Array.of(0x28, 1))],
    ["another order", concat(payload.subarray(2), payload.subarray(0, 2))],
    ["suite 0", build({ suite: 0 })],
    ["suite 3", build({ suite: 3 })],
    ["the other suite", build({ suite: 2 })],
    ["another key id", build({ keyId: new Uint8Array(8).fill(1) })],
    ["a long key id", build({ keyId: new Uint8Array(9) })],
    ["no ciphertext", build({ ct: new Uint8Array(0) })],
    ["nothing", new Uint8Array(0)],
  ];
  for (const [what, bad] of rows) {
    const opening = openContent({ secretSeed: bobSecret, fields: { ...head, payload: bad } });
    await assert.rejects(opening, { code: "cannot_open" }, what);
  }
});

Deno.test("a relay sees size classes, not lengths", async () => {
  const sizes = await Promise.all(["", "x", "x".repeat(60)].map(async (text) => (await sealedEnvelope(text)).length));
  assert.equal(new Set(sizes).size, 1);
  assert.ok((await sealedEnvelope("x".repeat(400))).length > sizes[0]);
});

Deno.test(`property: padding gives back any content, in the smallest class that holds it (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000 }), (content) => {
      const padded = pad(content);
      assert.equal(padded.length, PADDING_CLASSES.find((size) => size > content.length));
      assert.equal(hex(unpad(padded)), hex(content));
    }),
    { seed: SEED, numRuns: 300 },
  );
});

Deno.test("padding at the edges of each class, and padding that was not made by us", () => {
  for (const size of PADDING_CLASSES) {
    assert.equal(pad(new Uint8Array(size - 1)).length, size);
    if (size <= MAX_PADDED_CONTENT_BYTES) assert.ok(pad(new Uint8Array(size)).length > size);
  }
  assert.throws(() => pad(new Uint8Array(MAX_PADDED_CONTENT_BYTES + 1)), { code: "message_too_large" });
  const tooLargeClass = new Uint8Array(1024);
  tooLargeClass[10] = 0x80;
  const rows: [string, Uint8Array][] = [
    ["nothing", new Uint8Array(0)],
    ["no class", pad(new Uint8Array(10)).subarray(1)],
    ["zeros only", new Uint8Array(256)],
    ["no marker", new Uint8Array(256).fill(1)],
    ["a larger class than needed", tooLargeClass],
  ];
  for (const [what, bad] of rows) assert.throws(() => unpad(bad), { code: "cannot_open" }, what);
});
