/**
 * What stands inside a key file, before the vault seals it.
 *
 * ```text
 * "qight identity v1\0"   18 bytes
 * account seed            32 bytes
 * device seed             32 bytes   absent in an export without the device
 * store data key          32 bytes   absent in an export without the device
 * sealing seed            32 bytes   only in an export with the device: mail under way is sealed to it
 * made, expires, erase    3 x 8      ms since 1970, u64 BE; only with a sealing seed
 * conversations           the rest   a serialized CarriedConversations; only with a sealing seed, may be absent
 * ```
 * @module
 */
import { QightError } from "../proto/errors.ts";

/** An own sealing key on its way to another machine; times in milliseconds since 1970. */
export interface CarriedSealingKey {
  readonly seed: Uint8Array;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly eraseAtMs: number;
}

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
  /** Only in an export with the device. */
  readonly sealing?: CarriedSealingKey;
  /** A serialized CarriedConversations; only beside a sealing key. */
  readonly conversations?: Uint8Array;
}

const MAGIC = new TextEncoder().encode("qight identity v1\0");
const SEED_BYTES = 32;

/** The bytes of an identity, in the layout above. */
export function encodeIdentity({ accountSeed, device, sealing, conversations }: IdentitySecrets): Uint8Array {
  const parts = [MAGIC, accountSeed];
  if (device) parts.push(device.seed, device.dataKey);
  if (device && sealing) parts.push(sealing.seed, encodeTimes(sealing), conversations ?? new Uint8Array(0));
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
  const length = bytes.length - MAGIC.length;
  if (!(KNOWN_LENGTHS.includes(length) || length > WHOLE_BYTES) || !MAGIC.every((byte, at) => bytes[at] === byte)) {
    throw new QightError("bad_key_file", "The key file holds no qight identity");
  }
  const seed = (index: number) =>
    bytes.slice(MAGIC.length + index * SEED_BYTES, MAGIC.length + (index + 1) * SEED_BYTES);
  const accountSeed = seed(0);
  if (length === SEED_BYTES) return { accountSeed };
  const device = { seed: seed(1), dataKey: seed(2) };
  if (length === 3 * SEED_BYTES) return { accountSeed, device };
  const timesAt = MAGIC.length + 4 * SEED_BYTES;
  const sealing = { seed: seed(3), ...decodeTimes(bytes.slice(timesAt, timesAt + TIMES_BYTES)) };
  if (length === WHOLE_BYTES) return { accountSeed, device, sealing };
  return { accountSeed, device, sealing, conversations: bytes.slice(timesAt + TIMES_BYTES) };
}

const TIMES_BYTES = 24;
const WHOLE_BYTES = 4 * SEED_BYTES + TIMES_BYTES;
const KNOWN_LENGTHS = [SEED_BYTES, 3 * SEED_BYTES, WHOLE_BYTES];

function encodeTimes({ createdAtMs, expiresAtMs, eraseAtMs }: CarriedSealingKey): Uint8Array {
  const view = new DataView(new ArrayBuffer(TIMES_BYTES));
  for (const [at, ms] of [createdAtMs, expiresAtMs, eraseAtMs].entries()) view.setBigUint64(at * 8, BigInt(ms));
  return new Uint8Array(view.buffer);
}

function decodeTimes(bytes: Uint8Array<ArrayBuffer>): Omit<CarriedSealingKey, "seed"> {
  const view = new DataView(bytes.buffer);
  const [createdAtMs, expiresAtMs, eraseAtMs] = [0, 8, 16].map((at) => Number(view.getBigUint64(at)));
  return { createdAtMs, expiresAtMs, eraseAtMs };
}
