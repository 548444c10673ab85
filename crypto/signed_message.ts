/**
 * Signs a person's own bytes (`key sign`): a hash under its own domain, so that no chosen bytes can become an envelope,
 * a login or a bundle.
 *
 * Layout of what Ed25519 covers: `"qight message v1\0"` + SHA-256 of the bytes.
 *
 * @example
 * ```ts
 * import { signMessage, verifyMessage } from "./signed_message.ts";
 * import { generateSeed, signerFromSeed } from "./ed25519.ts";
 * import assert from "node:assert/strict";
 *
 * const ada = await signerFromSeed(generateSeed());
 * const bytes = new TextEncoder().encode("release 1.0");
 * const signature = await signMessage(ada, bytes);
 * assert.equal(await verifyMessage(ada.publicKey, bytes, signature), true);
 * assert.equal(await verifyMessage(ada.publicKey, new TextEncoder().encode("release 2.0"), signature), false);
 * ```
 * @module
 */
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { type Signer, verifyEd25519 } from "./ed25519.ts";
import { sha256 } from "./sha256.ts";

/** Signs the bytes; 64 bytes, to be kept beside them. */
export async function signMessage(signer: Signer, bytes: Uint8Array): Promise<Uint8Array> {
  return await signer.sign(concat(domains.message, await sha256(bytes)));
}

/** Whether the holder of the key signed these bytes with `signMessage`; false for malformed keys and signatures too. */
export async function verifyMessage(
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  return await verifyEd25519(publicKey, concat(domains.message, await sha256(bytes)), signature);
}
