/**
 * The one feature test: whether this platform's WebCrypto has ML-KEM-768 and ML-DSA-65 (FIPS 203, 204). Deno 2.9.5
 * has both; where one lacks, @noble/post-quantum does the work.
 * @module
 */
import { subtle } from "./webcrypto.ts";

let answer: Promise<boolean> | undefined;

/** Whether ML-KEM-768 and ML-DSA-65 are native here; asked once. */
export function nativePostQuantum(): Promise<boolean> {
  return answer ??= probe();
}

async function probe(): Promise<boolean> {
  if (typeof subtle.encapsulateBits !== "function" || typeof subtle.getPublicKey !== "function") return false;
  try {
    const kem = await subtle.importKey("raw-seed", new Uint8Array(64), "ML-KEM-768", false, ["decapsulateBits"]);
    const dsa = await subtle.importKey("raw-seed", new Uint8Array(32), "ML-DSA-65", false, ["sign"]);
    await subtle.getPublicKey(kem, ["encapsulateBits"]);
    await subtle.getPublicKey(dsa, ["verify"]);
    return true;
  } catch (refused) {
    // An algorithm that the platform does not know is a NotSupportedError: that is the answer, not a failure.
    if (refused instanceof DOMException || refused instanceof TypeError) return false;
    throw refused;
  }
}
