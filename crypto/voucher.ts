/**
 * Vouchers: a device that the stored list has stands for a newer list, which another device publishes. The account's
 * signatures say that the seed signed the list; the voucher says that a device that was not revoked wants it, now: a list
 * that was vouched for and not published does not lie about for ever.
 *
 * Layout of what Ed25519 covers: `"qight bundle voucher v1\0"` + SHA-256 of the serialized newer `Bundle` + when the voucher
 * ends, in milliseconds since 1970 (u64, big-endian).
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
 * const voucher = await signVoucher(laptop, newer, Date.now() + 600_000);
 * assert.equal(await verifyVoucher(voucher, newer), true);
 * assert.equal(await verifyVoucher(voucher, other), false);
 * assert.equal(await verifyVoucher({ ...voucher, expiresAtMs: voucher.expiresAtMs + 1n }, newer), false);
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
  /** By the relay's clock, milliseconds since 1970, as on the wire; whether that is over is for the relay to say. */
  readonly expiresAtMs: bigint;
}

/** Stands for exactly this bundle until then (milliseconds since 1970, by the relay's clock). */
export async function signVoucher(
  signer: Signer,
  bundle: Pick<VerifiedBundle, "hash">,
  untilMs: number,
): Promise<BundleVoucher> {
  const expiresAtMs = BigInt(Math.floor(untilMs));
  return { device: signer.publicKey, signature: await signer.sign(signed(bundle, expiresAtMs)), expiresAtMs };
}

/** Whether the named device signed for this very bundle and end; false for malformed keys and signatures too. */
export async function verifyVoucher(voucher: BundleVoucher, bundle: Pick<VerifiedBundle, "hash">): Promise<boolean> {
  return await verifyEd25519(voucher.device, signed(bundle, voucher.expiresAtMs), voucher.signature);
}

function signed({ hash }: Pick<VerifiedBundle, "hash">, expiresAtMs: bigint): Uint8Array {
  const end = new Uint8Array(8);
  new DataView(end.buffer).setBigUint64(0, expiresAtMs);
  return concat(domains.bundleVoucher, hash, end);
}
