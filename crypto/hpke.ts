/**
 * HPKE (RFC 9180), base mode, single shot, over X-Wing (KEM 0x647a) with HKDF-SHA256 and AES-256-GCM or
 * ChaCha20-Poly1305. The key schedule takes any KEM's shared secret, so the published vectors can drive it.
 * @module
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { QightError } from "../proto/errors.ts";
import { concat } from "./domains.ts";
import { subtle } from "./webcrypto.ts";
import type { XWingKeyPair, XWingRecipient } from "./xwing.ts";

/** HPKE's number for X-Wing (draft-connolly-cfrg-xwing-kem §8). */
export const KEM_XWING = 0x647a;

/** HPKE's number for an AEAD (RFC 9180 §7.3): 1 = AES-128-GCM, 2 = AES-256-GCM, 3 = ChaCha20-Poly1305. */
export type AeadId = 1 | 2 | 3;

/** A KEM and an AEAD by their HPKE numbers; the KDF is always HKDF-SHA256 (1). */
export interface HpkeSuite {
  readonly kem: number;
  readonly aead: AeadId;
}

/** What both sides feed in beside the key. */
export interface HpkeContext {
  /** 2 = AES-256-GCM, 3 = ChaCha20-Poly1305. */
  readonly aead: 2 | 3;
  /** What the exchange is for. */
  readonly info: Uint8Array;
  /** What the ciphertext is bound to. */
  readonly aad: Uint8Array;
}

/** Seals to an X-Wing key: RFC 9180 §6.1 SealBase. */
export async function sealBase(
  to: XWingRecipient,
  context: HpkeContext,
  plaintext: Uint8Array,
): Promise<{ enc: Uint8Array; ct: Uint8Array }> {
  const { enc, sharedSecret } = await to.encapsulate();
  const suite = { kem: KEM_XWING, aead: context.aead };
  return { enc, ct: await sealWithSecret(suite, sharedSecret, context.info, context.aad, plaintext) };
}

/** Opens with an X-Wing key pair: RFC 9180 §6.1 OpenBase. Throws `cannot_open`. */
export async function openBase(
  keys: XWingKeyPair,
  context: HpkeContext,
  enc: Uint8Array,
  ct: Uint8Array,
): Promise<Uint8Array> {
  const sharedSecret = await keys.decapsulate(enc);
  return await openWithSecret({ kem: KEM_XWING, aead: context.aead }, sharedSecret, context.info, context.aad, ct);
}

/** The sealing half after the KEM: key schedule and AEAD under sequence number 0. */
export async function sealWithSecret(
  suite: HpkeSuite,
  sharedSecret: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Promise<Uint8Array> {
  const { key, nonce } = await keySchedule(suite, sharedSecret, info);
  if (suite.aead === 3) return chacha20poly1305(key, nonce, aad).encrypt(plaintext);
  const aes = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  return new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, aes, plaintext));
}

/** The opening half after the KEM; throws `cannot_open`. */
export async function openWithSecret(
  suite: HpkeSuite,
  sharedSecret: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  ct: Uint8Array,
): Promise<Uint8Array> {
  const { key, nonce } = await keySchedule(suite, sharedSecret, info);
  try {
    if (suite.aead === 3) return chacha20poly1305(key, nonce, aad).decrypt(ct);
    const aes = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
    return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, aes, ct));
  } catch (cause) {
    throw new QightError("cannot_open", "Cannot open: the ciphertext was changed or sealed to another key", { cause });
  }
}

const KEY_BITS = { 1: 128, 2: 256, 3: 256 } as const;
const NONCE_BITS = 96;
const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();

/** RFC 9180 §5.1 KeySchedule, mode_base. */
async function keySchedule(
  suite: HpkeSuite,
  sharedSecret: Uint8Array,
  info: Uint8Array,
): Promise<{ key: Uint8Array; nonce: Uint8Array }> {
  const fixed = await fixedParts(suite);
  // The info is public, so JavaScript may hash it; what depends on the shared secret goes through WebCrypto.
  const context = concat(Uint8Array.of(0), fixed.pskIdHash, extract(sha256, fixed.label("info_hash", info)));
  const keyBits = KEY_BITS[suite.aead];
  const [key, nonce] = await Promise.all([
    expand(fixed.secretIkm, sharedSecret, fixed.labelledInfo("key", context, keyBits / 8), keyBits),
    expand(fixed.secretIkm, sharedSecret, fixed.labelledInfo("base_nonce", context, NONCE_BITS / 8), NONCE_BITS),
  ]);
  return { key, nonce };
}

/**
 * LabeledExpand(LabeledExtract(shared_secret, "secret", ""), …) in one step: HKDF's salt is the shared secret, and its
 * input key is a constant of the suite, since base mode has no pre-shared key.
 */
async function expand(ikm: CryptoKey, salt: Uint8Array, info: Uint8Array, bits: number): Promise<Uint8Array> {
  return new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, ikm, bits));
}

/** What depends on the suite alone. */
interface FixedParts {
  readonly pskIdHash: Uint8Array;
  readonly secretIkm: CryptoKey;
  /** RFC 9180 §4: "HPKE-v1" + suite_id + label + data. */
  label(name: string, data: Uint8Array): Uint8Array;
  /** RFC 9180 §4: length (u16) + the above. */
  labelledInfo(name: string, data: Uint8Array, bytes: number): Uint8Array;
}

const known = new Map<number, Promise<FixedParts>>();

function fixedParts(suite: HpkeSuite): Promise<FixedParts> {
  const number = suite.kem * 4 + suite.aead;
  let parts = known.get(number);
  if (parts === undefined) known.set(number, parts = makeFixedParts(suite));
  return parts;
}

async function makeFixedParts({ kem, aead }: HpkeSuite): Promise<FixedParts> {
  const prefix = concat(encoder.encode("HPKE-v1HPKE"), Uint8Array.of(kem >> 8, kem & 0xff, 0, 1, 0, aead));
  const label = (name: string, data: Uint8Array) => concat(prefix, encoder.encode(name), data);
  return {
    pskIdHash: extract(sha256, label("psk_id_hash", EMPTY)),
    secretIkm: await subtle.importKey("raw", label("secret", EMPTY), "HKDF", false, ["deriveBits"]),
    label,
    labelledInfo: (name, data, bytes) => concat(Uint8Array.of(bytes >> 8, bytes & 0xff), label(name, data)),
  };
}
