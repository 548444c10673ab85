/**
 * What stands inside a key file, before the vault seals it.
 *
 * ```text
 * "qight identity v1\0"   18 bytes
 * account seed            32 bytes
 * device seed             32 bytes   absent in an export without the device
 * store data key          32 bytes   absent in an export without the device
 * ```
 * @module
 */
import { QightError } from "../proto/errors.ts";

/** The secrets of an identity. */
export interface IdentitySecrets {
  /** Seed of the account's hybrid key, 32 bytes. */
  readonly accountSeed: Uint8Array;
  /** What belongs to this device alone. */
  readonly device?: {
    /** Seed of the device's Ed25519 key, 32 bytes. */
    readonly seed: Uint8Array;
    /** Key of the encrypted store, 32 bytes. */
    readonly dataKey: Uint8Array;
  };
}

const MAGIC = new TextEncoder().encode("qight identity v1\0");
const SEED_BYTES = 32;

/** The bytes of an identity, in the layout above. */
export function encodeIdentity({ accountSeed, device }: IdentitySecrets): Uint8Array {
  const parts = device ? [MAGIC, accountSeed, device.seed, device.dataKey] : [MAGIC, accountSeed];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Reads what `encodeIdentity` wrote; anything else is `bad_key_file`. */
export function decodeIdentity(bytes: Uint8Array): IdentitySecrets {
  const seeds = (bytes.length - MAGIC.length) / SEED_BYTES;
  if ((seeds !== 1 && seeds !== 3) || !MAGIC.every((byte, at) => bytes[at] === byte)) {
    throw new QightError("bad_key_file", "The key file holds no qight identity");
  }
  const seed = (index: number) =>
    bytes.slice(MAGIC.length + index * SEED_BYTES, MAGIC.length + (index + 1) * SEED_BYTES);
  const accountSeed = seed(0);
  return seeds === 1 ? { accountSeed } : { accountSeed, device: { seed: seed(1), dataKey: seed(2) } };
}
