/** Accounts with several devices, for tests: signers by number, and lists of them. @module */
import type { Account } from "../../crypto/account.ts";
import { signBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import { type Signer, signerFromSeed } from "../../crypto/ed25519.ts";

const YEAR_MS = 365 * 24 * 3600_000;

/** The device with this number. */
export function deviceNumber(number: number): Promise<Signer> {
  return signerFromSeed(new Uint8Array(32).fill(number ^ 0xc0));
}

/** A list that the account signs; dated `nowMs`, a year long. */
export function listOf(
  account: Account,
  nowMs: number,
  version: number,
  devices: readonly Signer[],
  { devicesOnly = false }: { readonly devicesOnly?: boolean } = {},
): Promise<VerifiedBundle> {
  return signBundle(account, {
    version,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + YEAR_MS,
    devices: devices.map(({ publicKey }, at) => ({ key: publicKey, name: `device ${at}`, addedAtMs: nowMs })),
    devicesOnly,
  });
}
