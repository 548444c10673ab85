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
 *
 * A device that was linked into another account keeps the seed of the one that it had, and the file says so:
 *
 * ```text
 * "qight identity v2\0"   18 bytes
 * account seed            32 bytes
 * device seed             32 bytes
 * store data key          32 bytes
 * retired                 1 byte, 1 to 16, and so many account seeds of 32 bytes each, the latest last
 * the rest                as in v1, from the sealing seed on
 * ```
 * @module
 */
import { QightError } from "../proto/errors.ts";
import { concat } from "./concat.ts";

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
  /** Seeds of accounts that this device had before, 32 bytes each, the latest last; at most 16, none without a device. */
  readonly retired?: readonly Uint8Array[];
  /** Only in an export with the device. */
  readonly sealing?: CarriedSealingKey;
  /** A serialized CarriedConversations; only beside a sealing key. */
  readonly conversations?: Uint8Array;
}

/** Most accounts that a key file remembers beside its own. */
export const MAX_RETIRED = 16;

const MAGIC = new TextEncoder().encode("qight identity v1\0");
const MAGIC_RETIRED = new TextEncoder().encode("qight identity v2\0");
const SEED_BYTES = 32;

/** The bytes of an identity, in the layout above; v2 only where an account is retired. */
export function encodeIdentity({ accountSeed, device, retired, sealing, conversations }: IdentitySecrets): Uint8Array {
  const former = device ? retired?.slice(-MAX_RETIRED) ?? [] : [];
  const parts = [former.length > 0 ? MAGIC_RETIRED : MAGIC, accountSeed];
  if (device) parts.push(device.seed, device.dataKey);
  if (former.length > 0) parts.push(Uint8Array.of(former.length), ...former);
  if (device && sealing) parts.push(sealing.seed, encodeTimes(sealing), conversations ?? new Uint8Array(0));
  return concat(...parts);
}

/** Reads what `encodeIdentity` wrote; anything else is `bad_key_file`. */
export function decodeIdentity(bytes: Uint8Array): IdentitySecrets {
  if (begins(bytes, MAGIC)) return decodeV1(bytes);
  const at = MAGIC.length + 3 * SEED_BYTES;
  const count = begins(bytes, MAGIC_RETIRED) ? bytes[at] ?? 0 : 0;
  const restAt = at + 1 + count * SEED_BYTES;
  if (count < 1 || count > MAX_RETIRED || bytes.length < restAt) throw noIdentity();
  const retired = Array.from({ length: count }, (_, i) => bytes.slice(at + 1 + i * SEED_BYTES).slice(0, SEED_BYTES));
  // Without the retired seeds it is a v1.
  return { ...decodeV1(concat(MAGIC, bytes.subarray(MAGIC.length, at), bytes.subarray(restAt))), retired };
}

function decodeV1(bytes: Uint8Array): IdentitySecrets {
  const length = bytes.length - MAGIC.length;
  if (!(KNOWN_LENGTHS.includes(length) || length > WHOLE_BYTES)) throw noIdentity();
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

function begins(bytes: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}

function noIdentity(): QightError {
  return new QightError("bad_key_file", "The key file holds no qight identity");
}

const TIMES_BYTES = 24;
const WHOLE_BYTES = 4 * SEED_BYTES + TIMES_BYTES;
const KNOWN_LENGTHS = [SEED_BYTES, 3 * SEED_BYTES, WHOLE_BYTES];

function encodeTimes({ createdAtMs, expiresAtMs, eraseAtMs }: CarriedSealingKey): Uint8Array {
  const view = new DataView(new ArrayBuffer(TIMES_BYTES));
  for (const [at, ms] of [createdAtMs, expiresAtMs, eraseAtMs].entries()) view.setBigUint64(at * 8, BigInt(ms));
  return new Uint8Array(view.buffer);
}

function decodeTimes(bytes: Uint8Array): Omit<CarriedSealingKey, "seed"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, TIMES_BYTES);
  const [createdAtMs, expiresAtMs, eraseAtMs] = [0, 8, 16].map((at) => Number(view.getBigUint64(at)));
  return { createdAtMs, expiresAtMs, eraseAtMs };
}
