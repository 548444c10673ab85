/**
 * People for tests: an account with one device and a sealing key, made from a number so that runs repeat.
 * @module
 */
import { type Account, accountFromSeed } from "../../crypto/account.ts";
import { signBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import { type Signer, signerFromSeed } from "../../crypto/ed25519.ts";
import { CONTENT_PLAIN, signEnvelope } from "../../crypto/envelope.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Somebody who can send and read. */
export interface Person {
  readonly account: Account;
  readonly device: Signer;
  readonly bundle: VerifiedBundle;
}

/** The person with this number; `nowMs` dates the bundle. */
export async function person(number: number, nowMs: number): Promise<Person> {
  const account = await accountFromSeed(new Uint8Array(32).fill(number));
  const device = await signerFromSeed(new Uint8Array(32).fill(number ^ 0x80));
  const bundle = await signBundle(account, {
    version: nowMs,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + 365 * DAY_MS,
    devices: [{ key: device.publicKey, name: "test", addedAtMs: nowMs }],
  });
  return { account, device, bundle };
}

/** What a test may choose about an envelope. */
export interface EnvelopeChoices {
  id?: Uint8Array;
  createdAtMs?: number;
  ttlS?: number;
  text?: string;
  payload?: Uint8Array;
}

/** A signed plain envelope from one person's device to another's. */
export function envelope(from: Person, to: Person, nowMs: number, choices: EnvelopeChoices = {}): Promise<Uint8Array> {
  return signEnvelope(from.device, {
    id: choices.id ?? crypto.getRandomValues(new Uint8Array(16)),
    sender: from.device.publicKey,
    recipient: to.device.publicKey,
    createdAtMs: choices.createdAtMs ?? nowMs,
    ttlS: choices.ttlS ?? 0,
    contentType: CONTENT_PLAIN,
    payload: choices.payload ?? new TextEncoder().encode(choices.text ?? "hello"),
  });
}
