/** What two devices write for each other while one is linked: locked by vectors, and refused when changed on the way. @module */
import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { sha256 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { concat } from "../../crypto/concat.ts";
import { verifyEd25519 } from "../../crypto/ed25519.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { openBase } from "../../crypto/hpke.ts";
import { formatInviteLink, LINK_CODE, parseInviteLink, parseInviteWords } from "../../crypto/invite_code.ts";
import {
  linkKeys,
  makeAnswer,
  makeDone,
  makeOffer,
  MAX_LINK_RECORD_BYTES,
  openAnswer,
  openDone,
  openOffer,
} from "../../crypto/link.ts";
import type { QightError } from "../../proto/errors.ts";
import { LinkAnswerSchema, LinkGrantSchema } from "../../proto/gen/qight/v1/link_pb.ts";
import { ada, bob, eve, seedOf } from "./samples.ts";

// Made with Python's hmac and hashlib (RFC 5869).
const vector = {
  secret: "000102030405060708090a0b0c0d0e0f",
  locator: "49ca44ca0031065ad780d936b19b77a9a15728187a40f801245fcb0206779a64",
  sealKey: "a3c867fbe3faf37c7fb8684b143c493f8c8d835b29692e804ce60c74c9f8dc52",
  link: "qight://relay.example:4433#link=AAECAwQFBgcICQoLDA0OD7",
};
const keys = linkKeys(fromHex(vector.secret));
const others = linkKeys(new Uint8Array(16).fill(1));
const grant = {
  accountSeed: seedOf(1),
  bundle: Uint8Array.of(1, 2, 3),
  expectedVersion: 7n,
  history: true,
};

const refused = { name: "QightError", code: "cannot_open" };

/** The record with one bit turned at a place that counts from its end where it is negative. */
function bent(record: Uint8Array, at: number): Uint8Array {
  const place = at < 0 ? record.length + at : at;
  return record.map((byte, i) => i === place ? byte ^ 1 : byte);
}

Deno.test("locator, key and link text of one secret", () => {
  assert.deepEqual([hex(keys.locator), hex(keys.sealKey)], [vector.locator, vector.sealKey]);
  const secret = fromHex(vector.secret);
  assert.equal(formatInviteLink("qight://relay.example:4433", secret, LINK_CODE), vector.link);
  assert.deepEqual(parseInviteLink(vector.link, LINK_CODE), { relay: "qight://relay.example:4433", secret });
});

Deno.test("an invite is no link code and a link code no invite: the refusal says which was wanted", () => {
  assert.throws(() => parseInviteLink(vector.link), { code: "bad_invite" });
  assert.throws(() => parseInviteLink(vector.link.replace("#link=", "#invite="), LINK_CODE), { code: "bad_code" });
  assert.throws(() => parseInviteWords(["zoo"], LINK_CODE), { code: "bad_code", message: /^A link code has 12 words/ });
  assert.throws(() => parseInviteWords(Array(12).fill("qight"), LINK_CODE), {
    code: "bad_code",
    message: /no link code$/,
  });
});

Deno.test("offer, answer and done arrive as they were written, whatever the device is called", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ maxLength: 32, unit: "grapheme-composite" }),
      fc.boolean(),
      async (name, published) => {
        fc.pre(new TextEncoder().encode(name).length <= 128);
        const made = await makeOffer(keys, bob, name);
        const offer = await openOffer(keys, made.record);
        assert.deepEqual([offer.device, offer.name], [bob.publicKey, name]);
        const opened = await openAnswer(keys, made, await makeAnswer(keys, offer, ada, grant));
        assert.deepEqual(opened.by, ada.publicKey);
        const { accountSeed, bundle, expectedVersion, history } = opened.grant;
        assert.deepEqual({ accountSeed, bundle, expectedVersion, history }, grant);
        const done = openDone(keys, makeDone(keys, { published, problem: name }));
        assert.deepEqual([done.published, done.problem], [published, name]);
      },
    ),
    { numRuns: 5 },
  );
});

Deno.test("a record of another code, another place, cut, longer or with one bit turned is refused", async () => {
  const { record } = await makeOffer(keys, bob, "laptop");
  const answer = await makeAnswer(keys, await openOffer(keys, record), ada, grant);
  const rows = [
    record.slice(0, -1),
    bent(record, 0),
    bent(record, 30),
    bent(record, -1),
    new Uint8Array(0),
    new Uint8Array(MAX_LINK_RECORD_BYTES + 1),
    answer,
    makeDone(keys, { published: true, problem: "" }),
  ];
  for (const row of rows) await assert.rejects(openOffer(keys, row), refused);
  await assert.rejects(openOffer(others, record), refused);
  assert.throws(() => openDone(keys, record), refused);
  assert.throws(() => openDone(others, makeDone(keys, { published: true, problem: "" })), refused);
});

Deno.test("who knows the code can offer no other device's key, nor another key in a device's name", async () => {
  const impostor = { publicKey: bob.publicKey, sign: (bytes: Uint8Array) => eve.sign(bytes) };
  await assert.rejects(openOffer(keys, (await makeOffer(keys, impostor, "laptop")).record), refused);
  // Signed for another meeting.
  const elsewhere = { publicKey: bob.publicKey, sign: (bytes: Uint8Array) => bob.sign(bent(bytes, 20)) };
  await assert.rejects(openOffer(keys, (await makeOffer(keys, elsewhere, "laptop")).record), refused);
});

Deno.test("a name of 129 bytes is refused before anybody is asked about it", async () => {
  await openOffer(keys, (await makeOffer(keys, bob, "a".repeat(128))).record);
  await assert.rejects(openOffer(keys, (await makeOffer(keys, bob, "a".repeat(129))).record), refused);
});

Deno.test("a grant opens for the device that was shown, with its own key, and for nobody else who knows the code", async () => {
  const made = await makeOffer(keys, bob, "laptop");
  const offer = await openOffer(keys, made.record);
  const answer = await makeAnswer(keys, offer, ada, grant);
  const thief = await makeOffer(keys, eve, "laptop");
  await assert.rejects(openAnswer(keys, thief, answer), refused);
  // The thief takes the shown device's name: its own key opens nothing.
  await assert.rejects(openAnswer(keys, { ...thief, device: bob.publicKey }, answer), refused);
  // The same device in another try: another key.
  await assert.rejects(openAnswer(keys, await makeOffer(keys, bob, "laptop"), answer), refused);
  await assert.rejects(openAnswer(others, made, answer), refused);
});

Deno.test("an answer in another device's name is refused", async () => {
  const made = await makeOffer(keys, bob, "laptop");
  const offer = await openOffer(keys, made.record);
  const impostor = { publicKey: ada.publicKey, sign: (bytes: Uint8Array) => eve.sign(bytes) };
  await assert.rejects(openAnswer(keys, made, await makeAnswer(keys, offer, impostor, grant)), refused);
});

Deno.test("layout: the answer's signature, and what the grant is bound to", async () => {
  const made = await makeOffer(keys, bob, "laptop");
  const record = await makeAnswer(keys, await openOffer(keys, made.record), ada, grant);
  const place = concat(keys.locator, Uint8Array.of(1));
  const plain = xchacha20poly1305(keys.sealKey, record.slice(0, 24), place).decrypt(record.subarray(24));
  const { device, signature, enc, ct } = fromBinary(LinkAnswerSchema, plain);
  assert.deepEqual(device, ada.publicKey);
  const text = (domain: string) => new TextEncoder().encode(`${domain}\0`);
  const signed = concat(text("qight link answer v1"), keys.locator, bob.publicKey, enc, sha256(ct));
  assert.ok(await verifyEd25519(ada.publicKey, signed, signature));
  const info = concat(text("qight link v1"), keys.locator, bob.publicKey, ada.publicKey);
  const context = { aead: 2, info, aad: new Uint8Array(0) } as const;
  const opened = fromBinary(LinkGrantSchema, await openBase(made.keyPair, context, enc, ct));
  assert.deepEqual(opened.accountSeed, grant.accountSeed);
});

Deno.test("a secret of another length is a mistake of the program", () => {
  assert.throws(() => linkKeys(new Uint8Array(15)), (thrown) => (thrown as QightError).code === "invariant");
});
