/**
 * The one typed door to WebCrypto, with the ML-KEM and ML-DSA parts that TypeScript's own types do not know yet.
 * @module
 */

/** A WebCrypto algorithm by name, or with its parameters. */
export type Algorithm = string | { readonly name: string; readonly [parameter: string]: unknown };

/**
 * `SubtleCrypto` over plain `Uint8Array`s. TypeScript splits byte arrays by the kind of their buffer; no buffer here
 * is ever shared between threads, so that split would only add casts at each call.
 */
export interface Subtle {
  digest(algorithm: Algorithm, data: Uint8Array): Promise<ArrayBuffer>;
  importKey(
    format: "raw" | "pkcs8" | "raw-public" | "raw-seed",
    data: Uint8Array,
    algorithm: Algorithm,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  generateKey(algorithm: Algorithm, extractable: boolean, usages: readonly string[]): Promise<CryptoKeyPair>;
  exportKey(format: "raw" | "raw-public", key: CryptoKey): Promise<ArrayBuffer>;
  exportKey(format: "jwk", key: CryptoKey): Promise<{ readonly x?: string }>;
  getPublicKey(key: CryptoKey, usages: readonly string[]): Promise<CryptoKey>;
  sign(algorithm: Algorithm, key: CryptoKey, data: Uint8Array): Promise<ArrayBuffer>;
  verify(algorithm: Algorithm, key: CryptoKey, signature: Uint8Array, data: Uint8Array): Promise<boolean>;
  deriveBits(algorithm: Algorithm, key: CryptoKey, bits: number): Promise<ArrayBuffer>;
  encrypt(algorithm: Algorithm, key: CryptoKey, data: Uint8Array): Promise<ArrayBuffer>;
  decrypt(algorithm: Algorithm, key: CryptoKey, data: Uint8Array): Promise<ArrayBuffer>;
  encapsulateBits(algorithm: Algorithm, key: CryptoKey): Promise<{ sharedKey: ArrayBuffer; ciphertext: ArrayBuffer }>;
  decapsulateBits(algorithm: Algorithm, key: CryptoKey, ciphertext: Uint8Array): Promise<ArrayBuffer>;
}

/** The platform's WebCrypto. */
export const subtle: Subtle = globalThis.crypto.subtle as unknown as Subtle;

/** Fresh random bytes from the platform's generator (at most 65,536). */
export function randomBytes(count: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(count));
}
