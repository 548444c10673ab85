/**
 * HPKE (RFC 9180), base mode, single shot, over X-Wing (KEM 0x647a) with HKDF-SHA256 and AES-256-GCM or
 * ChaCha20-Poly1305. The key schedule takes any KEM's shared secret, so the published vectors can drive it.
 * @module
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { QightError } from "../proto/errors.ts";
import { concat } from "./concat.ts";
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
  const { key, nonce } = keySchedule(suite, sharedSecret, info);
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
  const { key, nonce } = keySchedule(suite, sharedSecret, info);
  try {
    if (suite.aead === 3) return chacha20poly1305(key, nonce, aad).decrypt(ct);
    const aes = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
    return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, aes, ct));
  } catch (cause) {
    throw new QightError("cannot_open", "Cannot open: the ciphertext was changed or sealed to another key", { cause });
  }
}

const KEY_BYTES = { 1: 16, 2: 32, 3: 32 } as const;
const NONCE_BYTES = 12;
const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * RFC 9180 §5.1 KeySchedule, mode_base. HMAC-SHA256 takes the same time whatever the secret is, in JavaScript too (no
 * branch and no table depends on it), and a few blocks of it cost a third of one round trip to WebCrypto's threads.
 */
function keySchedule(
  suite: HpkeSuite,
  sharedSecret: Uint8Array,
  info: Uint8Array,
): { key: Uint8Array; nonce: Uint8Array } {
  const { pskIdHash, secretIkm, label } = fixedParts(suite);
  const context = concat(Uint8Array.of(0), pskIdHash, extract(sha256, label("info_hash", info)));
  const secret = extract(sha256, secretIkm, sharedSecret);
  const labelledExpand = (name: string, bytes: number) =>
    expand(sha256, secret, concat(Uint8Array.of(0, bytes), label(name, context)), bytes);
  return { key: labelledExpand("key", KEY_BYTES[suite.aead]), nonce: labelledExpand("base_nonce", NONCE_BYTES) };
}

/** What depends on the suite alone. */
interface FixedParts {
  readonly pskIdHash: Uint8Array;
  /** Base mode has no pre-shared key: the input key of "secret" is a constant. */
  readonly secretIkm: Uint8Array;
  /** RFC 9180 §4: "HPKE-v1" + suite_id + label + data. */
  label(name: string, data: Uint8Array): Uint8Array;
}

const known = new Map<number, FixedParts>();

function fixedParts(suite: HpkeSuite): FixedParts {
  const number = suite.kem * 4 + suite.aead;
  let parts = known.get(number);
  if (parts === undefined) known.set(number, parts = makeFixedParts(suite));
  return parts;
}

function makeFixedParts({ kem, aead }: HpkeSuite): FixedParts {
  const prefix = concat(encoder.encode("HPKE-v1HPKE"), Uint8Array.of(kem >> 8, kem & 0xff, 0, 1, 0, aead));
  const label = (name: string, data: Uint8Array) => concat(prefix, encoder.encode(name), data);
  return { pskIdHash: extract(sha256, label("psk_id_hash", EMPTY)), secretIkm: label("secret", EMPTY), label };
}
