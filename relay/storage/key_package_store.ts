/**
 * What the relay asks of its storage about KeyPackages: the packages by which a device is added to groups while it is away.
 * @module
 */

import { equal, isOneOf } from "../../crypto/equal.ts";
import type { Noticed } from "./group_store.ts";

/** A package to keep. */
export interface NewKeyPackage {
  readonly ref: Uint8Array; // 32 bytes
  readonly keyPackage: Uint8Array; // serialized MLSMessage
  readonly expiresAtMs: number;
  /** Stays when it is handed out; one a device and suite. */
  readonly lastResort: boolean;
}

/** What is left of one device and suite. */
export interface KeyPackageCount {
  readonly singleUse: number;
  readonly lastResort: boolean;
}

/** How many packages of one device there may be in all suites. */
export interface KeyPackageBounds {
  readonly nowMs: number;
  readonly maxSingleUse: number;
  /** Suites that one device may have a last resort for. */
  readonly maxLastResort: number;
}

/** Answer to a publication: all of it, or nothing. Packages that were published before are passed over. */
export type KeyPackagesPut =
  | { readonly kind: "stored"; readonly count: KeyPackageCount }
  | { readonly kind: "too_many"; readonly count: KeyPackageCount };

/** A package that was handed out. */
export interface StoredKeyPackage {
  readonly device: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly lastResort: boolean;
}

/** What to hand out. */
export interface KeyPackageClaim {
  readonly account: Uint8Array;
  readonly suite: number;
  /** The device that asks: it gets none of its own. */
  readonly except: Uint8Array;
  /** Devices of the account that are meant; absent: all. */
  readonly only?: readonly Uint8Array[];
  /** Packages must be good beyond this moment. */
  readonly validUntilMs: number;
  /** False to leave the single-use ones alone. */
  readonly singleUse: boolean;
  /** A device gets a notice when this claim leaves it with less than `below` single-use ones for the first time. */
  readonly low?: { readonly below: number; readonly nowMs: number; readonly noticeUntilMs: number };
}

/** What a claim brought: the account's bundle (null without one), and of each listed device that has any one package. */
export interface KeyPackagesClaimed {
  readonly bundle: Uint8Array | null;
  readonly packages: readonly StoredKeyPackage[];
  readonly notices: readonly Noticed[];
}

/** Packages of every device. */
export interface KeyPackageStore {
  /** In one step; the last resort replaces the one before of its suite. What was handed out once never comes back. */
  publish(
    device: Uint8Array,
    suite: number,
    packages: readonly NewKeyPackage[],
    bounds: KeyPackageBounds,
  ): Promise<KeyPackagesPut>;
  count(device: Uint8Array, suite: number, nowMs: number): Promise<KeyPackageCount>;
  /** In one step. */
  claim(claim: KeyPackageClaim): Promise<KeyPackagesClaimed>;
}

/** Whether a claim wants a package of this device of its account. */
export function isMeant({ except, only }: Pick<KeyPackageClaim, "except" | "only">, device: Uint8Array): boolean {
  return !equal(device, except) && (only === undefined || isOneOf(device, only));
}
