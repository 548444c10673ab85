/**
 * What ts-mls computes with: WebCrypto for keys and ciphers, short hashes in JavaScript (a round trip to WebCrypto's
 * threads costs more), Ed25519 by qight's one rule.
 * @module
 */
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import type { CiphersuiteImpl, CiphersuiteName, Hpke } from "ts-mls";
import { generateSeed, type Signer, signerFromSeed, verifyEd25519 } from "../ed25519.ts";
import { equal } from "../equal.ts";
import { randomBytes, subtle } from "../webcrypto.ts";
import { xwingHpke } from "./hpke.ts";
import { library } from "./library.ts";
import type { MlsSuite } from "./suite.ts";

/** The names that ts-mls has for the suites. */
export const SUITE_NAMES: Readonly<Record<MlsSuite, CiphersuiteName>> = {
  83: "MLS_256_XWING_AES256GCM_SHA512_Ed25519",
  1: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
};

/** The number of a suite that ts-mls names; null when it is not one of ours. */
export function suiteOfName(name: CiphersuiteName): MlsSuite | null {
  return name === SUITE_NAMES[83] ? 83 : name === SUITE_NAMES[1] ? 1 : null;
}

const known = new Map<MlsSuite, Promise<CiphersuiteImpl>>();

/** The functions of a suite. */
export function functionsOf(suite: MlsSuite): Promise<CiphersuiteImpl> {
  let functions = known.get(suite);
  if (functions === undefined) known.set(suite, functions = makeFunctions(suite));
  return functions;
}

async function makeFunctions(suite: MlsSuite): Promise<CiphersuiteImpl> {
  const hash = suite === 83 ? sha512 : sha256;
  const algorithm = suite === 83 ? "SHA-512" : "SHA-256";
  return {
    name: SUITE_NAMES[suite],
    rng: { randomBytes },
    kdf: {
      size: hash.outputLen,
      extract: async (salt, ikm) => extract(hash, ikm, salt),
      expand: async (prk, info, bytes) => expand(hash, prk, info, bytes),
    },
    hash: {
      async digest(data) {
        return data.length <= SMALL_BYTES ? hash(data) : new Uint8Array(await subtle.digest(algorithm, data));
      },
      mac: async (key, data) => hmac(hash, key, data),
      verifyMac: async (key, mac, data) => equal(mac, hmac(hash, key, data)),
    },
    signature: {
      keygen: async () => {
        const signKey = generateSeed();
        return { signKey, publicKey: (await signerOf(signKey)).publicKey };
      },
      sign: async (signKey, message) => await (await signerOf(signKey)).sign(message),
      verify: verifyEd25519,
    },
    hpke: suite === 83 ? xwingHpke : await classicalHpke(),
  };
}

/** As in crypto/sha256.ts. */
const SMALL_BYTES = 1024;

/** ts-mls's own, over @hpke/core: it calls WebCrypto too. */
async function classicalHpke(): Promise<Hpke> {
  const { makeHpke } = await library();
  return await makeHpke({ kem: "DHKEM-X25519-HKDF-SHA256", kdf: "HKDF-SHA256", aead: "AES128GCM" });
}

// Importing a key costs more than signing; the entry goes when the state that holds the seed does.
const signers = new WeakMap<Uint8Array, Promise<Signer>>();

function signerOf(seed: Uint8Array): Promise<Signer> {
  let signer = signers.get(seed);
  if (signer === undefined) signers.set(seed, signer = signerFromSeed(seed));
  return signer;
}
