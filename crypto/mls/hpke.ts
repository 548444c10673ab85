/**
 * HPKE of suite 83 for ts-mls: base mode over X-Wing with HKDF-SHA512 and AES-256-GCM, by WebCrypto where it has
 * ML-KEM. ts-mls would take its X-Wing from a package in JavaScript, a twentieth as fast; both understand each other.
 *
 * Sources: RFC 9180 sections 5 and 6; DeriveKeyPair of draft-connolly-cfrg-xwing-kem section 5.6 (SHAKE-256 of the input).
 * @module
 */
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { shake256 } from "@noble/hashes/sha3.js";
import type { Hpke, PrivateKey, PublicKey } from "ts-mls";
import { concat } from "../concat.ts";
import { KEM_XWING } from "../hpke.ts";
import { randomBytes, subtle } from "../webcrypto.ts";
import { xwing, XWING_PUBLIC_KEY_BYTES, XWING_SEED_BYTES, type XWingKeyPair } from "../xwing.ts";
import { openAead, sealAead } from "./aead.ts";
import { refused } from "./refuse.ts";

/** HPKE over X-Wing as ts-mls calls it; its keys are no CryptoKeys, since WebCrypto knows no X-Wing. */
export const xwingHpke: Hpke = {
  keyLength: 32,
  nonceLength: 12,
  encryptAead: (key, nonce, aad, plaintext) => sealAead(key, nonce, aad ?? EMPTY, plaintext),
  decryptAead: (key, nonce, aad, ciphertext) => openAead(key, nonce, aad ?? EMPTY, ciphertext),
  async seal(publicKey, plaintext, info, aad) {
    const { enc, sharedSecret } = await encapsulate(publicKey);
    const { key, nonce } = await schedule(sharedSecret, info);
    return { enc, ct: await sealAead(key, nonce, aad ?? EMPTY, plaintext) };
  },
  async open(privateKey, kemOutput, ciphertext, info, aad) {
    const sharedSecret = await (await inside(privateKey).pair()).decapsulate(kemOutput);
    const { key, nonce } = await schedule(sharedSecret, info);
    return await openAead(key, nonce, aad ?? EMPTY, ciphertext);
  },
  async exportSecret(publicKey, context, length, info) {
    const { enc, sharedSecret } = await encapsulate(publicKey);
    return { enc, secret: (await schedule(sharedSecret, info)).export(context, length) };
  },
  async importSecret(privateKey, context, kemOutput, length, info) {
    const sharedSecret = await (await inside(privateKey).pair()).decapsulate(kemOutput);
    return (await schedule(sharedSecret, info)).export(context, length);
  },
  async importPrivateKey(seed) {
    if (seed.length !== XWING_SEED_BYTES) throw refused("a private key is not 32 bytes");
    return new Secret(seed) as unknown as PrivateKey;
  },
  async importPublicKey(bytes) {
    if (bytes.length !== XWING_PUBLIC_KEY_BYTES) throw refused("a public key is not of X-Wing");
    return { xwing: bytes } as unknown as PublicKey;
  },
  async exportPublicKey(publicKey) {
    return bytesOf(publicKey);
  },
  async exportPrivateKey(privateKey) {
    return inside(privateKey).seed;
  },
  deriveKeyPair: (ikm) => keyPair(shake256(ikm, { dkLen: XWING_SEED_BYTES })),
  generateKeyPair: () => keyPair(randomBytes(XWING_SEED_BYTES)),
};

const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();

/** What ts-mls passes around as a private key; the key pair is worked out when it is first used. */
class Secret {
  readonly type = "private";
  readonly seed: Uint8Array;
  #pair: Promise<XWingKeyPair> | undefined;

  constructor(seed: Uint8Array) {
    this.seed = seed;
  }

  pair(): Promise<XWingKeyPair> {
    return this.#pair ??= xwing().then((kem) => kem.keypairFromSeed(this.seed));
  }
}

async function keyPair(seed: Uint8Array): Promise<{ privateKey: PrivateKey; publicKey: PublicKey }> {
  const secret = new Secret(seed);
  const { publicKey } = await secret.pair();
  return { privateKey: secret as unknown as PrivateKey, publicKey: { xwing: publicKey } as unknown as PublicKey };
}

function inside(key: PrivateKey): Secret {
  return key as unknown as Secret;
}

function bytesOf(key: PublicKey): Uint8Array {
  return (key as unknown as { xwing: Uint8Array }).xwing;
}

async function encapsulate(publicKey: PublicKey) {
  return await (await (await xwing()).recipient(bytesOf(publicKey))).encapsulate();
}

// RFC 9180 section 5.1 and 7: KDF 3 = HKDF-SHA512, AEAD 2 = AES-256-GCM, mode_base, no pre-shared key.
const SUITE_ID = concat(encoder.encode("HPKE"), Uint8Array.of(KEM_XWING >> 8, KEM_XWING & 0xff, 0, 3, 0, 2));
const PREFIX = concat(encoder.encode("HPKE-v1"), SUITE_ID);
const label = (name: string, data: Uint8Array) => concat(PREFIX, encoder.encode(name), data);
const PSK_ID_HASH = extract(sha512, label("psk_id_hash", EMPTY));

async function schedule(sharedSecret: Uint8Array, info: Uint8Array) {
  const context = concat(Uint8Array.of(0), PSK_ID_HASH, await extractWithoutSalt(label("info_hash", info)));
  const secret = extract(sha512, label("secret", EMPTY), sharedSecret);
  const labelled = (from: Uint8Array, name: string, data: Uint8Array, bytes: number) =>
    expand(sha512, from, concat(Uint8Array.of(bytes >> 8, bytes & 0xff), label(name, data)), bytes);
  return {
    key: labelled(secret, "key", context, 32),
    nonce: labelled(secret, "base_nonce", context, 12),
    export: (exporterContext: Uint8Array, bytes: number) =>
      labelled(labelled(secret, "exp", context, 64), "sec", exporterContext, bytes),
  };
}

/**
 * HKDF-Extract with an empty salt. The info of a Welcome's secrets is the whole encrypted GroupInfo, 400 KB for 250
 * members, once for each of them: there JavaScript takes 6 ms and WebCrypto half of one.
 */
async function extractWithoutSalt(ikm: Uint8Array): Promise<Uint8Array> {
  if (ikm.length <= 1024) return extract(sha512, ikm);
  const zeros = new Uint8Array(sha512.outputLen); // RFC 5869 section 2.2
  const key = await subtle.importKey("raw", zeros, { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", key, ikm));
}
