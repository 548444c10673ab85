/**
 * What brings an account back when all devices are lost: a bundle of secrets that lies at the relay, and eight codes of
 * which each opens it. The relay knows hashes of locators, so a copy of its disk is worth as much as guessing 128 bits.
 *
 * Layout: locator and wrapping key (32 bytes each) = HKDF-SHA256(code's secret, empty salt, info `qight recovery locator
 * v1\0`, `qight recovery wrap v1\0`). Data key (32) = HKDF-SHA256(account seed, empty salt, info `qight
 * recovery data v1\0`): any device of the account can seal the bundle anew while the codes stay, and who opens the bundle
 * learns the seed anyway. Sealed bundle = nonce (24), XChaCha20-Poly1305 of the padded serialized `RecoveryBundle` under the
 * data key, associated data `qight recovery seal v1\0` + account hash. Wrapped data key = nonce (24), XChaCha20-Poly1305 of
 * it under the wrapping key with the locator as associated data: 72 bytes.
 * @module
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { QightError } from "../proto/errors.ts";
import { type RecoveryBundle, RecoveryBundleSchema } from "../proto/gen/qight/v1/link_pb.ts";
import { accountFromSeed } from "./account.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { SEED_BYTES } from "./ed25519.ts";
import { equal } from "./equal.ts";
import { MAX_PADDED_CONTENT_BYTES, pad, PADDING_CLASSES, unpad } from "./padding.ts";
import { RECOVERY_SECRET_BYTES } from "./recovery_code.ts";
import { randomBytes } from "./webcrypto.ts";

/** Codes that an account gets at a time. */
export const RECOVERY_CODES = 8;
/** Most bytes of a serialized RecoveryBundle. */
export const MAX_RECOVERY_BUNDLE_BYTES = MAX_PADDED_CONTENT_BYTES;

/** What is derived from a code's secret, 32 bytes each. */
export interface RecoveryKeys {
  /** What the relay finds the bundle by; it keeps the hash. */
  readonly locator: Uint8Array;
  readonly wrapKey: Uint8Array;
}

/** What the relay keeps: nothing in it opens without a code. */
export interface SealedRecovery {
  readonly sealed: Uint8Array;
  readonly codes: readonly { readonly locatorHash: Uint8Array; readonly wrapped: Uint8Array }[];
}

/** Derives the keys of a secret; `invariant` for another length than 16 bytes. */
export function recoveryKeys(secret: Uint8Array): RecoveryKeys {
  if (secret.length !== RECOVERY_SECRET_BYTES) {
    throw new QightError("invariant", "The secret of a recovery code has 16 bytes");
  }
  const derive = (info: Uint8Array) => hkdf(sha256, secret, new Uint8Array(0), info, KEY_BYTES);
  return { locator: derive(domains.recoveryLocator), wrapKey: derive(domains.recoveryWrap) };
}

/** Bytes of a bundle before sealing, to see whether it fits. */
export function recoveryBundleBytes(bundle: MessageInitShape<typeof RecoveryBundleSchema>): number {
  return toBinary(RecoveryBundleSchema, create(RecoveryBundleSchema, bundle)).length;
}

/** What goes into a bundle; the seed is the account's, 32 bytes. */
export type RecoveryFields = MessageInitShape<typeof RecoveryBundleSchema> & { readonly accountSeed: Uint8Array };

/**
 * Seals a bundle so that each of these secrets (16 bytes) opens it. `account`: hash of the account whose seed it holds.
 * `message_too_large` beyond `MAX_RECOVERY_BUNDLE_BYTES`.
 */
export function sealRecovery(
  bundle: RecoveryFields,
  account: Uint8Array,
  secrets: readonly Uint8Array[],
): SealedRecovery {
  const sealed = resealRecovery(bundle, account);
  const dataKey = dataKeyOf(bundle.accountSeed);
  const codes = secrets.map((secret) => {
    const { locator, wrapKey } = recoveryKeys(secret);
    return { locatorHash: sha256(locator), wrapped: sealWith(wrapKey, locator, dataKey) };
  });
  dataKey.fill(0);
  return { sealed, codes };
}

/** Seals a bundle anew, for the codes that there are. `message_too_large` beyond `MAX_RECOVERY_BUNDLE_BYTES`. */
export function resealRecovery(bundle: RecoveryFields, account: Uint8Array): Uint8Array {
  const padded = pad(toBinary(RecoveryBundleSchema, create(RecoveryBundleSchema, { ...bundle, version: VERSION })));
  const dataKey = dataKeyOf(bundle.accountSeed);
  const sealed = sealWith(dataKey, concat(domains.recoverySeal, account), padded);
  padded.fill(0);
  dataKey.fill(0);
  return sealed;
}

/**
 * Opens what the relay gave for a code. Throws `cannot_open` when anything of it was changed, also when the seed inside is
 * another account's (hash) than the relay says.
 */
export async function openRecovery(
  { locator, wrapKey }: RecoveryKeys,
  { account, sealed, wrapped }: Pick<SealedRecovery, "sealed"> & {
    readonly account: Uint8Array;
    readonly wrapped: Uint8Array;
  },
): Promise<RecoveryBundle> {
  if (wrapped.length !== WRAPPED_BYTES || sealed.length > MAX_SEALED_BYTES) throw changed("it has another length");
  const dataKey = openWith(wrapKey, locator, wrapped);
  const bundle = decode(openWith(dataKey, concat(domains.recoverySeal, account), sealed));
  dataKey.fill(0);
  if (bundle.version !== VERSION) throw changed("it was made by a newer qight");
  if (bundle.accountSeed.length !== SEED_BYTES) throw changed("it holds no account");
  const { hash } = await accountFromSeed(bundle.accountSeed);
  if (!equal(hash, account)) throw changed("it holds another account than the relay says");
  return bundle;
}

const VERSION = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;
const MAX_SEALED_BYTES = NONCE_BYTES + PADDING_CLASSES.at(-1)! + TAG_BYTES;

function dataKeyOf(accountSeed: Uint8Array): Uint8Array {
  if (accountSeed.length !== SEED_BYTES) throw new QightError("invariant", "The seed of an account has 32 bytes");
  return hkdf(sha256, accountSeed, new Uint8Array(0), domains.recoveryData, KEY_BYTES);
}

function decode(padded: Uint8Array): RecoveryBundle {
  try {
    return fromBinary(RecoveryBundleSchema, unpad(padded), { readUnknownFields: false });
  } catch (cause) {
    throw changed("what is inside is not one", cause);
  }
}

function sealWith(key: Uint8Array, associated: Uint8Array, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  return concat(nonce, xchacha20poly1305(key, nonce, associated).encrypt(plain));
}

function openWith(key: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw changed("it is cut off");
  try {
    // The cipher wants a nonce of its own bytes: a view into a larger buffer may be unaligned.
    return xchacha20poly1305(key, sealed.slice(0, NONCE_BYTES), associated).decrypt(sealed.subarray(NONCE_BYTES));
  } catch (cause) {
    throw changed("it was changed, or belongs to another code", cause);
  }
}

function changed(why: string, cause?: unknown): QightError {
  return new QightError("cannot_open", `Cannot open what is kept for recovery: ${why}`, {
    cause,
    hint: "The relay may be lying: try another code, and ask its operator.",
  });
}
