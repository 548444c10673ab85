/**
 * Root keys and leaves for tests of the transports.
 * @module
 */

import type { Leaf, Trust } from "../../net/connection.ts";
import { issueLeaf, RELAY_SERVER_NAME, rootCertificate } from "../../net/tls.ts";

/** A relay's root key, whom its clients trust, and leaves that it signs. */
export interface TestRoot {
  readonly publicKey: Uint8Array;
  readonly trust: Trust;
  leaf(options?: { hosts?: string[]; notAfter?: Date }): Promise<Leaf>;
}

/** A fresh root key. */
export async function testRoot(): Promise<TestRoot> {
  const keys = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
  return {
    publicKey,
    trust: { caCerts: [rootCertificate(publicKey)], serverName: RELAY_SERVER_NAME },
    leaf: ({ hosts = ["127.0.0.1"], notAfter = new Date("2099-01-01T00:00:00Z") } = {}) =>
      issueLeaf({ rootPrivateKey: keys.privateKey, rootPublicKey: publicKey, hosts, notAfter }),
  };
}

/** The seed of every property test in this folder. */
export const SEED = 20_261_121;
