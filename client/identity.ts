/**
 * Who uses this client: one device of one account.
 * @module
 */
import type { Account } from "../crypto/account.ts";
import type { VerifiedBundle } from "../crypto/bundle.ts";
import type { Signer } from "../crypto/ed25519.ts";

/** A device with its account's keys. */
export interface Identity {
  readonly account: Account;
  /** The device's signing key. */
  readonly signer: Signer;
  /** The device's name in the account's bundle. */
  readonly deviceName: string;
}

/** What is needed to write messages: the device, and the bundle that lists it. */
export interface Author {
  readonly signer: Signer;
  readonly bundle: VerifiedBundle;
}
