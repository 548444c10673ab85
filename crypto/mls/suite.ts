/** The MLS cipher suites of qight. Nothing here loads ts-mls. @module */

/**
 * A cipher suite by number: 83 = X-Wing (X25519 with ML-KEM-768), AES-256-GCM, SHA-512, Ed25519; 1 =
 * MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519. 83 is ts-mls's number, not a registered one: such groups are qight's own.
 */
export type MlsSuite = 83 | 1;

/** The suite of a new group unless somebody asks for another. */
export const DEFAULT_SUITE: MlsSuite = 83;

/** Whether a number from outside is a suite that this program speaks. */
export function isSuite(number: number): number is MlsSuite {
  return number === 83 || number === 1;
}
