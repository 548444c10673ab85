/**
 * ML-DSA-65 (FIPS 204) with the empty context: WebCrypto where it has it, @noble/post-quantum elsewhere.
 * @module
 */
import { nativePostQuantum } from "./native.ts";
import { subtle } from "./webcrypto.ts";

/** Bytes of an ML-DSA-65 public key. */
export const ML_DSA_PUBLIC_KEY_BYTES = 1952;
/** Bytes of an ML-DSA-65 signature. */
export const ML_DSA_SIGNATURE_BYTES = 3309;

/** Signs with one ML-DSA-65 key. */
export interface MlDsaSigner {
  /** The public key, 1,952 bytes. */
  readonly publicKey: Uint8Array;
  /** Signs the bytes as they are, hedged; 3,309 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** One way to do ML-DSA-65; both pass the same tests. */
export interface MlDsa {
  /** A signer for a 32-byte seed. */
  signerFromSeed(seed: Uint8Array): Promise<MlDsaSigner>;
  /** Whether the signature is valid; false for malformed keys and signatures too. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/** ML-DSA-65 by WebCrypto. */
export const nativeMlDsa: MlDsa = {
  async signerFromSeed(seed) {
    const key = await subtle.importKey("raw-seed", seed, "ML-DSA-65", false, ["sign"]);
    const publicKey = await subtle.exportKey("raw-public", await subtle.getPublicKey(key, ["verify"]));
    return {
      publicKey: new Uint8Array(publicKey),
      async sign(message) {
        return new Uint8Array(await subtle.sign("ML-DSA-65", key, message));
      },
    };
  },
  async verify(publicKey, message, signature) {
    if (publicKey.length !== ML_DSA_PUBLIC_KEY_BYTES || signature.length !== ML_DSA_SIGNATURE_BYTES) return false;
    const key = await subtle.importKey("raw-public", publicKey, "ML-DSA-65", false, ["verify"]);
    return await subtle.verify("ML-DSA-65", key, signature, message);
  },
};

/** ML-DSA-65 in JavaScript (not constant-time; only where WebCrypto lacks it). */
export const fallbackMlDsa: MlDsa = {
  async signerFromSeed(seed) {
    const ml_dsa65 = await javascriptMlDsa();
    const { publicKey, secretKey } = ml_dsa65.keygen(seed);
    return { publicKey, sign: (message) => Promise.resolve(ml_dsa65.sign(message, secretKey)) };
  },
  async verify(publicKey, message, signature) {
    if (publicKey.length !== ML_DSA_PUBLIC_KEY_BYTES || signature.length !== ML_DSA_SIGNATURE_BYTES) return false;
    return (await javascriptMlDsa()).verify(signature, message, publicKey);
  },
};

/** Loaded where it is used: the start of every command would pay for it. */
async function javascriptMlDsa() {
  return (await import("@noble/post-quantum/ml-dsa.js")).ml_dsa65;
}

/** The best ML-DSA-65 of this platform. */
export async function mlDsa(): Promise<MlDsa> {
  return await nativePostQuantum() ? nativeMlDsa : fallbackMlDsa;
}
