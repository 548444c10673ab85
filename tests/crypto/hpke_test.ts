/** HPKE: our key schedule against MLS's published sealing, and our X-Wing sealing against @hpke both ways. @module */
import assert from "node:assert/strict";
import { Chacha20Poly1305 } from "@hpke/chacha20poly1305";
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat } from "../../crypto/concat.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { openBase, openWithSecret, sealBase, sealWithSecret } from "../../crypto/hpke.ts";
import { nativeXWing } from "../../crypto/xwing.ts";
import { readVectors, vectorTest } from "./vectors.ts";

const encoder = new TextEncoder();
const MLS_SUITE_1 = { kem: 0x20, aead: 1 } as const;

vectorTest(
  "our HPKE key schedule opens and makes the sealing of MLS crypto-basics (DHKEM X25519, AES-128-GCM)",
  async () => {
    const [{ encrypt_with_label: v }] = readVectors("mls/crypto-basics.json");
    const enc = fromHex(v.kem_output);
    const sharedSecret = dhkem(fromHex(v.priv), enc, fromHex(v.pub));
    // RFC 9420 §5.1.3: EncryptContext = opaque label<V> ("MLS 1.0 " + label), opaque context<V>; lengths below 64 here.
    const label = encoder.encode(`MLS 1.0 ${v.label}`);
    const context = fromHex(v.context);
    const info = concat(Uint8Array.of(label.length), label, Uint8Array.of(context.length), context);
    const none = new Uint8Array(0);
    const plain = await openWithSecret(MLS_SUITE_1, sharedSecret, info, none, fromHex(v.ciphertext));
    assert.equal(hex(plain), v.plaintext);
    assert.equal(hex(await sealWithSecret(MLS_SUITE_1, sharedSecret, info, none, plain)), v.ciphertext);
  },
);

const info = encoder.encode("info");
const aad = encoder.encode("aad");
const plaintext = encoder.encode("disk full on web-3");
const aeads = [["AES-256-GCM", 2, () => new Aes256Gcm()], [
  "ChaCha20-Poly1305",
  3,
  () => new Chacha20Poly1305(),
]] as const;

for (const [name, aead, theirs] of aeads) {
  Deno.test(`@hpke/hybridkem-x-wing opens what we seal with ${name}, and we open what it seals`, async () => {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const ours = await nativeXWing.keypairFromSeed(seed);
    const suite = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: theirs() });
    const recipientKey = await suite.kem.importKey("raw", buffer(seed), false);
    const recipientPublicKey = await suite.kem.importKey("raw", buffer(ours.publicKey), true);

    const sealed = await sealBase(await nativeXWing.recipient(ours.publicKey), { aead, info, aad }, plaintext);
    const opened = await suite.open(
      { recipientKey, enc: buffer(sealed.enc), info: buffer(info) },
      buffer(sealed.ct),
      buffer(aad),
    );
    assert.equal(hex(new Uint8Array(opened)), hex(plaintext));

    const { enc, ct } = await suite.seal({ recipientPublicKey, info: buffer(info) }, buffer(plaintext), buffer(aad));
    const back = await openBase(ours, { aead, info, aad }, new Uint8Array(enc), new Uint8Array(ct));
    assert.equal(hex(back), hex(plaintext));
  });

  Deno.test(`HPKE with ${name} opens nothing under another key, info, associated data, or changed ciphertext`, async () => {
    const keys = await nativeXWing.keypairFromSeed(new Uint8Array(32).fill(1));
    const stranger = await nativeXWing.keypairFromSeed(new Uint8Array(32).fill(2));
    const { enc, ct } = await sealBase(await nativeXWing.recipient(keys.publicKey), { aead, info, aad }, plaintext);
    const changed = ct.slice();
    changed[0] ^= 1;
    const rows: [string, () => Promise<Uint8Array>][] = [
      ["another key", () => openBase(stranger, { aead, info, aad }, enc, ct)],
      ["another info", () => openBase(keys, { aead, info: aad, aad }, enc, ct)],
      ["other associated data", () => openBase(keys, { aead, info, aad: info }, enc, ct)],
      ["a changed ciphertext", () => openBase(keys, { aead, info, aad }, enc, changed)],
      ["a cut ciphertext", () => openBase(keys, { aead, info, aad }, enc, ct.subarray(0, 5))],
    ];
    for (const [what, opening] of rows) await assert.rejects(opening, { code: "cannot_open" }, what);
  });
}

/** RFC 9180 §4.1: Decap of DHKEM(X25519, HKDF-SHA256). */
function dhkem(secret: Uint8Array, enc: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const prefix = concat(encoder.encode("HPKE-v1KEM"), Uint8Array.of(0, 0x20));
  const dh = x25519.getSharedSecret(secret, enc);
  const prk = extract(sha256, concat(prefix, encoder.encode("eae_prk"), dh), new Uint8Array(0));
  return expand(sha256, prk, concat(Uint8Array.of(0, 32), prefix, encoder.encode("shared_secret"), enc, publicKey), 32);
}

function buffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}
