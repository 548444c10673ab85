/**
 * Ed25519 (RFC 8032) by one rule on every path: cofactorless, S < L, canonical encodings, no public key of small
 * order. Verifiers disagree on 740 of 914 edge cases (C2SP/CCTV); what WebCrypto leaves open is closed here.
 * @module
 */
import { base64urlnopad } from "@scure/base";
import { QightError } from "../proto/errors.ts";
import { concat } from "./concat.ts";
import { randomBytes, subtle } from "./webcrypto.ts";

/** Bytes of a public key. */
export const PUBLIC_KEY_BYTES = 32;
/** Bytes of a seed. */
export const SEED_BYTES = 32;
/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64;

/** Signs with one Ed25519 key; the secret itself stays inside. */
export interface Signer {
  /** The public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Signs the bytes as they are (callers put a domain in front); 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A signer for a 32-byte seed; the seed is not kept. */
export async function signerFromSeed(seed: Uint8Array): Promise<Signer> {
  if (seed.length !== SEED_BYTES) throw new QightError("bad_key_file", "A device key must be 32 bytes");
  // WebCrypto has no raw-seed format for Ed25519, and not every browser has getPublicKey: JWK's "x" is the public key.
  const pkcs8 = concat(PKCS8_PREFIX, seed);
  const exportable = await subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await subtle.exportKey("jwk", exportable);
  const key = await subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  pkcs8.fill(0);
  if (x === undefined) throw new QightError("invariant", "WebCrypto gave no public key for an Ed25519 seed");
  return {
    publicKey: base64urlnopad.decode(x),
    async sign(message) {
      return new Uint8Array(await subtle.sign("Ed25519", key, message));
    },
  };
}

/** A fresh random seed, 32 bytes. */
export function generateSeed(): Uint8Array {
  return randomBytes(SEED_BYTES);
}

/** Throws `bad_signature` unless the key is 32 bytes, canonical and not of small order. Curve membership is not asked. */
export function checkPublicKey(key: Uint8Array): void {
  const fault = faultOfPublicKey(key);
  if (fault !== null) throw new QightError("bad_signature", `Cannot use the public key: it ${fault}`);
}

/**
 * Whether the signature is valid under the one rule; never throws for bad input. Imported keys are kept in a small
 * cache, since importing costs a third of a verification.
 */
export async function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (signature.length !== SIGNATURE_BYTES || !isCanonicalSignature(signature)) return false;
  if (faultOfPublicKey(publicKey) !== null) return false;
  return await subtle.verify("Ed25519", await importedKey(publicKey), signature, message);
}

// RFC 8410 §7: PrivateKeyInfo of an Ed25519 seed, up to the seed.
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

// y coordinates of the eight points of small order (sign bit cleared): 0, 1, p - 1 and the two of order 8. Every other
// encoding of them is not canonical. Source: RFC 8032 §5.1, list as in libsodium's ge25519_has_small_order.
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  new Uint8Array(32),
  Uint8Array.from({ length: 32 }, (_, i) => i === 0 ? 1 : 0),
  Uint8Array.from({ length: 32 }, (_, i) => i === 0 ? 0xec : i === 31 ? 0x7f : 0xff),
  // deno-fmt-ignore
  Uint8Array.of(
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
    0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
  ),
  // deno-fmt-ignore
  Uint8Array.of(
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
    0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
  ),
];

// The group order L, little-endian (RFC 8032 §5.1).
// deno-fmt-ignore
const ORDER = Uint8Array.of(
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
);

function faultOfPublicKey(key: Uint8Array): string | null {
  if (key.length !== PUBLIC_KEY_BYTES) return `is ${key.length} bytes long, not 32`;
  if (!isCanonicalY(key, 0)) return "is not canonically encoded";
  for (const y of SMALL_ORDER_Y) if (isY(key, 0, y)) return "is a point of small order";
  return null;
}

function isCanonicalSignature(signature: Uint8Array): boolean {
  if (!isCanonicalY(signature, 0)) return false;
  // x = 0 has no negative: y = 1 and y = p - 1 with the sign bit set are second encodings of those points.
  if (signature[31] >= 0x80 && (isY(signature, 0, SMALL_ORDER_Y[1]) || isY(signature, 0, SMALL_ORDER_Y[2]))) {
    return false;
  }
  for (let i = 31; i >= 0; i--) {
    if (signature[32 + i] < ORDER[i]) return true;
    if (signature[32 + i] > ORDER[i]) return false;
  }
  return false;
}

/** y < p = 2^255 - 19, the sign bit aside. */
function isCanonicalY(bytes: Uint8Array, at: number): boolean {
  if ((bytes[at + 31] & 0x7f) !== 0x7f) return true;
  for (let i = 30; i > 0; i--) if (bytes[at + i] !== 0xff) return true;
  return bytes[at] < 0xed;
}

function isY(bytes: Uint8Array, at: number, y: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) if (bytes[at + i] !== y[i]) return false;
  return (bytes[at + 31] & 0x7f) === y[31];
}

/** Enough for the busiest senders of a relay; about 200 bytes each. */
const CACHED_KEYS = 4096;
const cache = new Map<string, Promise<CryptoKey>>();

function importedKey(publicKey: Uint8Array): Promise<CryptoKey> {
  const name = String.fromCharCode(...publicKey);
  const known = cache.get(name);
  if (known !== undefined) {
    if (cache.size === CACHED_KEYS) {
      cache.delete(name); // moves it to the young end
      cache.set(name, known);
    }
    return known;
  }
  const imported = subtle.importKey("raw", publicKey.slice(), "Ed25519", false, ["verify"]);
  if (cache.size === CACHED_KEYS) cache.delete(cache.keys().next().value!);
  cache.set(name, imported);
  return imported;
}
