/**
 * Sealing keys: the X-Wing key that others seal to, signed by the device it belongs to and rotated monthly.
 *
 * Layout: `SealingKey` {1: body, 2: signature (64)}; body = serialized `SealingKeyBody` {1: account hash (32), 2: device
 * key (32), 3: key id (8, the first bytes of SHA-256 of the key), 4: X-Wing key (1216), 5: created ms, 6: expires ms};
 * the signature covers `"qight sealing key v1\0"` + body.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../proto/errors.ts";
import { SealingKeyBodySchema, SealingKeySchema } from "../proto/gen/qight/v1/account_pb.ts";
import { ACCOUNT_HASH_BYTES } from "./account.ts";
import { decodeCanonical, safeNumber } from "./canonical.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { type Signer, verifyEd25519 } from "./ed25519.ts";
import { equal } from "./equal.ts";
import { sha256 } from "./sha256.ts";
import { xwing, XWING_PUBLIC_KEY_BYTES } from "./xwing.ts";

/** Bytes of a sealing key's id. */
export const KEY_ID_BYTES = 8;
/** Longest serialized sealing key (about 1.4 KB is usual). */
const MAX_SEALING_KEY_BYTES = 2048;

/** A sealing key whose form and signature were checked. */
export interface VerifiedSealingKey {
  /** Account hash, 32 bytes: a claim, true only when the account's bundle lists the device. */
  readonly account: Uint8Array;
  /** Device key, 32 bytes; it signed this. */
  readonly device: Uint8Array;
  /** First 8 bytes of SHA-256 of `key`. */
  readonly keyId: Uint8Array;
  /** X-Wing public key, 1,216 bytes. */
  readonly key: Uint8Array;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Milliseconds since 1970; nobody seals to it afterwards. */
  readonly expiresAtMs: number;
  /** The serialized `SealingKey`. */
  readonly bytes: Uint8Array;
}

/** Makes the public half of a 32-byte secret seed and signs it with the device's key. Throws `bad_bundle`. */
export async function makeSealingKey(
  signer: Signer,
  account: Uint8Array,
  secretSeed: Uint8Array,
  { createdAtMs, expiresAtMs }: { createdAtMs: number; expiresAtMs: number },
): Promise<VerifiedSealingKey> {
  const { publicKey } = await (await xwing()).keypairFromSeed(secretSeed);
  if (!Number.isSafeInteger(createdAtMs) || !Number.isSafeInteger(expiresAtMs)) throw bad("its dates are not whole");
  const body = toBinary(
    SealingKeyBodySchema,
    create(SealingKeyBodySchema, {
      account,
      device: signer.publicKey,
      keyId: await keyIdOf(publicKey),
      key: publicKey,
      createdAtMs: BigInt(createdAtMs),
      expiresAtMs: BigInt(expiresAtMs),
    }),
  );
  const signature = await signer.sign(concat(domains.sealingKey, body));
  return await openSealingKey(toBinary(SealingKeySchema, create(SealingKeySchema, { body, signature })));
}

/** Reads a serialized `SealingKey` and checks form, key id and signature; throws `bad_bundle`. Expiry is not asked. */
export async function openSealingKey(bytes: Uint8Array): Promise<VerifiedSealingKey> {
  const outer = decodeCanonical(SealingKeySchema, bytes, MAX_SEALING_KEY_BYTES, "bad_bundle");
  const body = decodeCanonical(SealingKeyBodySchema, outer.body, MAX_SEALING_KEY_BYTES, "bad_bundle");
  const { account, device, keyId, key } = body;
  const createdAtMs = safeNumber(body.createdAtMs, "The sealing key's date", "bad_bundle");
  const expiresAtMs = safeNumber(body.expiresAtMs, "The sealing key's expiry", "bad_bundle");
  if (account.length !== ACCOUNT_HASH_BYTES) throw bad("its account is not 32 bytes");
  if (key.length !== XWING_PUBLIC_KEY_BYTES) throw bad("its key is not 1216 bytes");
  if (expiresAtMs <= createdAtMs) throw bad("it expires before it was made");
  if (!equal(keyId, await keyIdOf(key))) throw bad("its id does not fit its key");
  if (!await verifyEd25519(device, concat(domains.sealingKey, outer.body), outer.signature)) {
    throw bad("its signature is not valid");
  }
  return { account, device, keyId, key, createdAtMs, expiresAtMs, bytes };
}

async function keyIdOf(key: Uint8Array): Promise<Uint8Array> {
  return (await sha256(key)).slice(0, KEY_ID_BYTES);
}

function bad(why: string): QightError {
  return new QightError("bad_bundle", `Cannot use the sealing key: ${why}`);
}
