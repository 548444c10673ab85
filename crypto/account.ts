/**
 * Accounts: a hybrid key (Ed25519 and ML-DSA-65) from one seed, and the short id `qid1…` that stands for it.
 *
 * @example
 * ```ts
 * import { accountFromSeed, formatAccountId, parseAccountId } from "./account.ts";
 * import assert from "node:assert/strict";
 *
 * const account = await accountFromSeed(new Uint8Array(32).fill(7));
 * assert.match(account.id, /^qid1[a-z0-9]{58}$/);
 * assert.deepEqual(parseAccountId(account.id), account.hash);
 * assert.equal(formatAccountId(account.hash), account.id);
 * ```
 *
 * Sources: RFC 5869 (HKDF), RFC 8032 (Ed25519), FIPS 204 (ML-DSA), BIP-350 (bech32m).
 * @module
 */
import { base64nopad, bech32m } from "@scure/base";
import { QightError } from "../proto/errors.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { PUBLIC_KEY_BYTES, SEED_BYTES, signerFromSeed } from "./ed25519.ts";
import { fromHex } from "./hex.ts";
import { ML_DSA_PUBLIC_KEY_BYTES, mlDsa } from "./ml_dsa.ts";
import { sha256 } from "./sha256.ts";
import { subtle } from "./webcrypto.ts";

/** Bytes of an account hash. */
export const ACCOUNT_HASH_BYTES = 32;

/** The public half of an account. */
export interface AccountPublicKeys {
  /** Ed25519, 32 bytes. */
  readonly ed25519: Uint8Array;
  /** ML-DSA-65, 1,952 bytes. */
  readonly mlDsa65: Uint8Array;
}

/** An account that can sign. */
export interface Account {
  /** SHA-256 over the domain and both public keys, 32 bytes. */
  readonly hash: Uint8Array;
  /** The hash as `qid1…`, 62 characters. */
  readonly id: string;
  /** Both public keys. */
  readonly keys: AccountPublicKeys;
  /** Ed25519 signature over the bytes as they are, 64 bytes. */
  signEd25519(message: Uint8Array): Promise<Uint8Array>;
  /** ML-DSA-65 signature over the bytes as they are, 3,309 bytes. */
  signMlDsa65(message: Uint8Array): Promise<Uint8Array>;
}

/** The account of a 32-byte seed; throws `bad_key_file` for another length. */
export async function accountFromSeed(seed: Uint8Array): Promise<Account> {
  if (seed.length !== SEED_BYTES) throw new QightError("bad_key_file", "An account seed must be 32 bytes");
  const edSeed = await derive(seed, domains.accountEd25519);
  const dsaSeed = await derive(seed, domains.accountMlDsa65);
  const ed = await signerFromSeed(edSeed);
  const dsa = await (await mlDsa()).signerFromSeed(dsaSeed);
  edSeed.fill(0);
  dsaSeed.fill(0);
  const keys = { ed25519: ed.publicKey, mlDsa65: dsa.publicKey };
  const hash = await accountHash(keys);
  return {
    hash,
    id: formatAccountId(hash),
    keys,
    signEd25519: (message) => ed.sign(message),
    signMlDsa65: (message) => dsa.sign(message),
  };
}

/** The account hash: SHA-256(`"qight account v1\0"`, Ed25519 key (32), ML-DSA-65 key (1952)). */
export async function accountHash(keys: AccountPublicKeys): Promise<Uint8Array> {
  if (keys.ed25519.length !== PUBLIC_KEY_BYTES || keys.mlDsa65.length !== ML_DSA_PUBLIC_KEY_BYTES) {
    throw new QightError("bad_bundle", "Account keys must be 32 and 1952 bytes");
  }
  return await sha256(concat(domains.account, keys.ed25519, keys.mlDsa65));
}

/** An account hash (32 bytes) as `qid1…`: bech32m, 62 lower-case characters. */
export function formatAccountId(hash: Uint8Array): string {
  if (hash.length !== ACCOUNT_HASH_BYTES) throw new QightError("bad_id", "An account hash must be 32 bytes");
  return bech32m.encode("qid", bech32m.toWords(hash));
}

/** Reads `qid1…` (either case, never mixed) or 64 hex digits into the account hash; throws `bad_id`. */
export function parseAccountId(text: string): Uint8Array {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return fromHex(text, ACCOUNT_HASH_BYTES);
  if (text.length !== 62 || !/^qid1/i.test(text)) {
    throw new QightError("bad_id", "The id is malformed: it must be qid1 and 58 characters, or 64 hex digits");
  }
  try {
    const hash = bech32m.decodeToBytes(text).bytes;
    if (hash.length === ACCOUNT_HASH_BYTES) return hash;
  } catch (cause) {
    throw new QightError("bad_id", "The id is malformed: its checksum does not fit, so it has a typo", { cause });
  }
  throw new QightError("bad_id", "The id is malformed: it must hold 32 bytes");
}

/** How a device key is shown: `SHA256:` and unpadded base64 of its SHA-256, as ssh-keygen does. */
export async function deviceFingerprint(key: Uint8Array): Promise<string> {
  return `SHA256:${base64nopad.encode(await sha256(key))}`;
}

async function derive(seed: Uint8Array, info: Uint8Array): Promise<Uint8Array> {
  const key = await subtle.importKey("raw", seed, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info };
  return new Uint8Array(await subtle.deriveBits(algorithm, key, SEED_BYTES * 8));
}
