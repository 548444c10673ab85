/**
 * Vouchers: a device that the stored list has stands for a newer list, which another device publishes. The account's
 * signatures say that the seed signed the list; the voucher says that a device that was not revoked wants it.
 *
 * Layout of what Ed25519 covers: `"qight bundle voucher v1\0"` + SHA-256 of the serialized newer `Bundle`.
 *
 * @example
 * ```ts
 * import { signVoucher, verifyVoucher } from "./voucher.ts";
 * import { generateSeed, signerFromSeed } from "./ed25519.ts";
 * import { sha256 } from "./sha256.ts";
 * import assert from "node:assert/strict";
 *
 * const laptop = await signerFromSeed(generateSeed());
 * const [newer, other] = [{ hash: await sha256(Uint8Array.of(1)) }, { hash: await sha256(Uint8Array.of(2)) }];
 * const voucher = await signVoucher(laptop, newer);
 * assert.equal(await verifyVoucher(voucher, newer), true);
 * assert.equal(await verifyVoucher(voucher, other), false);
 * ```
 * @module
 */
import type { VerifiedBundle } from "./bundle.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { type Signer, verifyEd25519 } from "./ed25519.ts";

/** A device's word for one bundle; whether that device is on the stored list is for the reader to look up. */
export interface BundleVoucher {
  /** Device key, 32 bytes. */
  readonly device: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** Stands for exactly this bundle. */
export async function signVoucher(signer: Signer, bundle: Pick<VerifiedBundle, "hash">): Promise<BundleVoucher> {
  return { device: signer.publicKey, signature: await signer.sign(concat(domains.bundleVoucher, bundle.hash)) };
}

/** Whether the named device signed for this very bundle; false for malformed keys and signatures too. */
export async function verifyVoucher(voucher: BundleVoucher, bundle: Pick<VerifiedBundle, "hash">): Promise<boolean> {
  return await verifyEd25519(voucher.device, concat(domains.bundleVoucher, bundle.hash), voucher.signature);
}
