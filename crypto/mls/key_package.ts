/** KeyPackages (RFC 9420 section 10): what lets others add a device while it is away. @module */
import { QightError } from "../../proto/errors.ts";
import type { LeafOwner } from "./credential.ts";
import type { MlsSuite } from "./suite.ts";

/** Longest life of a KeyPackage: 90 days, in milliseconds. */
export const MAX_LIFETIME_MS = 90 * 86_400_000;

/** When a new KeyPackage may be used, milliseconds since 1970 (kept in whole seconds), and how often. */
export interface KeyPackageTerms {
  readonly notBeforeMs: number;
  /** At most 90 days after `notBeforeMs`. */
  readonly notAfterMs: number;
  /** May be used more than once, when the others are gone. */
  readonly lastResort: boolean;
}

/** An own KeyPackage. */
export interface OwnKeyPackage {
  /** First 32 bytes of its KeyPackageRef: the name of it at the relay and at `joinFromWelcome`. */
  readonly ref: Uint8Array;
  /** Serialized MLSMessage; public. */
  readonly keyPackage: Uint8Array;
  /** The private keys, serialized; to be kept until it was used or expired. */
  readonly secret: Uint8Array;
}

/** Somebody's KeyPackage, checked. */
export interface OpenedKeyPackage {
  /** First 32 bytes of its KeyPackageRef. */
  readonly ref: Uint8Array;
  readonly suite: MlsSuite;
  /** Account hash, 32 bytes: a claim, true only when the account's bundle lists the device. */
  readonly account: Uint8Array;
  /** Device key, 32 bytes; it signed the leaf key. */
  readonly device: Uint8Array;
  /** Milliseconds since 1970; nobody adds it afterwards. */
  readonly expiresAtMs: number;
  readonly lastResort: boolean;
}

/** Makes a KeyPackage with fresh keys for a device; throws `bad_group_message` when its life is not 1 s to 90 days. */
export function makeKeyPackage(_suite: MlsSuite, _owner: LeafOwner, _terms: KeyPackageTerms): Promise<OwnKeyPackage> {
  throw new QightError("internal", "crypto/mls is not here yet");
}

/** Reads and checks a serialized KeyPackage: form, signatures, credential, lifetime. Throws `bad_group_message`. */
export function openKeyPackage(_bytes: Uint8Array, _nowMs: number): Promise<OpenedKeyPackage> {
  throw new QightError("internal", "crypto/mls is not here yet");
}
