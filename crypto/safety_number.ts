/**
 * Safety numbers: 60 digits that two people compare aloud; equal on both ends, whoever comes first.
 *
 * Layout: per account 30 digits, from h = SHA-512 iterated 5,200 times (h1 = SHA-512(`"qight safety v1\0"` + account
 * hash), then h = SHA-512(h)); its first 30 bytes as six big-endian groups of 5 bytes, each mod 100,000. The half of the
 * smaller account hash comes first. After Signal's numeric fingerprints.
 * @module
 */
import { sha512 } from "@noble/hashes/sha2.js";
import { QightError } from "../proto/errors.ts";
import { ACCOUNT_HASH_BYTES } from "./account.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";

/** Rounds of SHA-512: makes it 2^12 times as dear to search for an account whose half looks alike. */
const ROUNDS = 5200;
const GROUPS = 6;

/** The safety number of two accounts (hashes of 32 bytes, in any order): 60 digits; throws `bad_id`. Blocks ~30 ms. */
export function safetyNumber(hashA: Uint8Array, hashB: Uint8Array): Promise<string> {
  try {
    const [first, second] = comesFirst(hashA, hashB) ? [hashA, hashB] : [hashB, hashA];
    return Promise.resolve(half(first) + half(second));
  } catch (fault) {
    return Promise.reject(fault);
  }
}

function half(accountHash: Uint8Array): string {
  if (accountHash.length !== ACCOUNT_HASH_BYTES) throw new QightError("bad_id", "An account hash must be 32 bytes");
  let digest = concat(domains.safety, accountHash);
  for (let round = 0; round < ROUNDS; round++) digest = sha512(digest);
  const view = new DataView(digest.buffer, digest.byteOffset);
  let digits = "";
  for (let group = 0; group < GROUPS; group++) {
    const value = view.getUint8(group * 5) * 2 ** 32 + view.getUint32(group * 5 + 1);
    digits += String(value % 100_000).padStart(5, "0");
  }
  return digits;
}

function comesFirst(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return true;
}
