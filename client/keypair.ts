/** Device keys for programs: random seeds and the signers they make. @module */
import { generateSeed, type Signer, signerFromSeed } from "../crypto/ed25519.ts";

/** A device key that signs, with the secret it was made from. */
export interface Keypair extends Signer {
  /** 32 secret bytes; `signerFromSeed` makes the same key again. */
  readonly seed: Uint8Array;
}

/** 32 random bytes: the seed of a key. */
export function genKey(): Uint8Array {
  return generateSeed();
}

/** A key from a seed; a fresh one unless it is given (32 bytes). */
export async function genKeypair(seed: Uint8Array = genKey()): Promise<Keypair> {
  const signer = await signerFromSeed(seed);
  return { seed, publicKey: signer.publicKey, sign: (message) => signer.sign(message) };
}
