/**
 * AWS-LC, under Deno's TLS and post-quantum cryptography, seeds itself at its first use from the jitter of the processor,
 * which takes 24 ms. Begun on another thread while modules load, nobody waits for it.
 * @module
 */
import { subtle } from "./webcrypto.ts";

/** Begins to gather; returns at once. What is gathered stays inside the library. */
export function gatherEntropy(): void {
  subtle.importKey("raw-seed", new Uint8Array(32), "ML-DSA-65", false, ["sign"])
    .then((key) => subtle.sign("ML-DSA-65", key, new Uint8Array(1)))
    // A platform without ML-DSA has nothing to prepare.
    .catch(() => undefined);
}
