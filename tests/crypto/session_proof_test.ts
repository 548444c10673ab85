/** Session proofs and signed messages count for what they were made for, and for nothing else. @module */
import assert from "node:assert/strict";
import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import { verifyEd25519 } from "../../crypto/ed25519.ts";
import { equal } from "../../crypto/equal.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { sessionProofMessage, signSessionProof, verifySessionProof } from "../../crypto/session_proof.ts";
import { signMessage, verifyMessage } from "../../crypto/signed_message.ts";
import { ada, eve, proofFields as fields, seedOf } from "./samples.ts";

Deno.test("a session proof counts on its own connection only", async () => {
  const signature = await signSessionProof(ada, fields);
  assert.equal(await verifySessionProof(ada.publicKey, signature, fields), true);
  const rows: [string, Partial<typeof fields>][] = [
    ["another transport", { transport: "websocket" }],
    ["another relay dialled", { dialled: "127.0.0.1:4434" }],
    ["another client nonce", { clientNonce: seedOf(1) }],
    ["another relay nonce", { relayNonce: seedOf(1) }],
    ["another root", { root: seedOf(1) }],
  ];
  for (const [what, change] of rows) {
    assert.equal(await verifySessionProof(ada.publicKey, signature, { ...fields, ...change }), false, what);
  }
  assert.equal(await verifySessionProof(eve.publicKey, signature, fields), false);
  assert.equal(await verifySessionProof(ada.publicKey, new Uint8Array(0), fields), false);
});

Deno.test("a signed message counts for its own bytes and key only", async () => {
  const bytes = new Uint8Array(5000).fill(3);
  const signature = await signMessage(ada, bytes);
  assert.equal(await verifyMessage(ada.publicKey, bytes, signature), true);
  assert.equal(await verifyMessage(eve.publicKey, bytes, signature), false);
  assert.equal(await verifyMessage(ada.publicKey, bytes.subarray(1), signature), false);
  assert.equal(await verifyMessage(new Uint8Array(0), bytes, signature), false);
  assert.equal(await verifyMessage(ada.publicKey, bytes, signature.subarray(1)), false);
});

Deno.test("no bytes that a person signs can become a login or an envelope", async () => {
  const proof = sessionProofMessage({ ...fields, device: ada.publicKey });
  assert.equal(await verifyEd25519(ada.publicKey, proof, await signMessage(ada, proof)), false);
  const body = Uint8Array.of(8, 1);
  const signed = await signMessage(ada, concat(domains.envelope, body));
  assert.equal(await verifyEd25519(ada.publicKey, concat(domains.envelope, body), signed), false);
});

Deno.test("equal compares all bytes and the length; hex digits read back in either case", () => {
  assert.equal(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2)), true);
  assert.equal(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3)), false);
  assert.equal(equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3)), false);
  assert.equal(hex(fromHex("00aBfF")), "00abff");
  for (const bad of ["0", "0g", " 00", "0x00"]) assert.throws(() => fromHex(bad), { code: "bad_id" }, bad);
  assert.throws(() => fromHex("00", 2), { code: "bad_id" });
});
