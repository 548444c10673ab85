/**
 * Seals content to one device, so that only it can read and nobody else can send the ciphertext as theirs: HPKE over
 * X-Wing, bound to the envelope's other fields (sender and recipient among them).
 *
 * Layout: `SealedPayload` {1: suite (1 = AES-256-GCM, 2 = ChaCha20-Poly1305), 2: key id (8), 3: X-Wing ciphertext
 * (1120), 4: ct}; ct = padded serialized `SealedContent` under HPKE with info = `"qight seal v1\0"` + suite (u16
 * big-endian) + key id, and associated data = the canonical envelope body without its payload.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../proto/errors.ts";
import { type SealedContent, SealedContentSchema, SealedPayloadSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import { ACCOUNT_HASH_BYTES } from "./account.ts";
import { decodeCanonical } from "./canonical.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { CONTENT_SEALED, encodeHeader, type EnvelopeFields, MAX_ENVELOPE_BYTES } from "./envelope.ts";
import { equal } from "./equal.ts";
import { openBase, sealBase } from "./hpke.ts";
import { pad, unpad } from "./padding.ts";
import { KEY_ID_BYTES, type VerifiedSealingKey } from "./sealing_key.ts";
import { xwing, type XWingKeyPair, type XWingRecipient } from "./xwing.ts";

/** Our number of an HPKE suite: 1 = AES-256-GCM, 2 = ChaCha20-Poly1305, both with HKDF-SHA256. */
export type SealSuite = 1 | 2;
/** Bytes of a lineage. */
const LINEAGE_BYTES = 8;
/** Most void counters in one message. */
export const MAX_VOID_COUNTERS = 1000;

/** What `sealContent` needs. */
export interface SealOptions {
  /** The recipient's sealing key; its device must be the envelope's recipient. */
  readonly to: VerifiedSealingKey;
  /** 1 unless given. */
  readonly suite?: SealSuite;
  /** The envelope's other fields; the ciphertext is bound to them. `contentType` must be `CONTENT_SEALED`. */
  readonly fields: Omit<EnvelopeFields, "payload">;
  /** What is sealed. */
  readonly content: SealedContent;
}

/**
 * Seals content; gives the serialized `SealedPayload`. Throws `message_too_large`, `bad_bundle` when the sealing key
 * had expired by the envelope's date or is no key, `bad_envelope` when fields and content do not fit together.
 */
export async function sealContent({ to, suite = 1, fields, content }: SealOptions): Promise<Uint8Array> {
  if (fields.contentType !== CONTENT_SEALED) throw new QightError("bad_envelope", "Cannot seal: not a sealed envelope");
  if (!equal(fields.recipient, to.device)) {
    throw new QightError("bad_envelope", "Cannot seal: the sealing key belongs to another device than the recipient");
  }
  if (fields.createdAtMs >= to.expiresAtMs) {
    throw new QightError("bad_bundle", "Cannot seal: the recipient's sealing key has expired");
  }
  const fault = faultOfContent(content);
  if (fault !== null) throw new QightError("bad_envelope", `Cannot seal: ${fault}`);
  const plaintext = pad(toBinary(SealedContentSchema, content));
  const context = { aead: AEAD[suite], info: infoOf(suite, to.keyId), aad: encodeHeader(fields) };
  const { enc, ct } = await sealBase(await recipientOf(to.key), context, plaintext);
  return toBinary(SealedPayloadSchema, create(SealedPayloadSchema, { suite, keyId: to.keyId, enc, ct }));
}

/** Which of its secrets a device needs for a sealed payload: the key id (8 bytes). Throws `cannot_open`. */
export function sealedKeyId(payload: Uint8Array): Uint8Array {
  return parsePayload(payload).keyId;
}

/** An opened seal. */
export interface OpenedSeal {
  readonly sealed: SealedContent;
  /** The serialized `SealedContent` as its sender wrote it: what the envelope commits to stands there byte for byte. */
  readonly plaintext: Uint8Array;
}

/**
 * Opens a sealed payload with the device's 32-byte secret seed. `fields` must be those of an envelope whose signature
 * was verified. Throws `cannot_open`. Unknown fields inside the seal are ignored: later versions may add some.
 */
export async function openSeal(
  { secretSeed, fields }: { secretSeed: Uint8Array; fields: EnvelopeFields },
): Promise<OpenedSeal> {
  if (fields.contentType !== CONTENT_SEALED) throw cannotOpen("it is not a sealed envelope");
  const { suite, keyId, enc, ct } = parsePayload(fields.payload);
  const keys = await keysOf(secretSeed);
  const context = { aead: AEAD[suite], info: infoOf(suite, keyId), aad: encodeHeader(fields) };
  const plaintext = unpad(await openBase(keys, context, enc, ct));
  const sealed = decodeContent(plaintext);
  const fault = faultOfContent(sealed);
  if (fault !== null) throw cannotOpen(fault);
  return { sealed, plaintext };
}

/** Like `openSeal`, for who does not look at the commitment. */
export async function openContent(options: Parameters<typeof openSeal>[0]): Promise<SealedContent> {
  return (await openSeal(options)).sealed;
}

const AEAD = { 1: 2, 2: 3 } as const;

function infoOf(suite: SealSuite, keyId: Uint8Array): Uint8Array {
  return concat(domains.seal, Uint8Array.of(0, suite), keyId);
}

function parsePayload(payload: Uint8Array): { suite: SealSuite; keyId: Uint8Array; enc: Uint8Array; ct: Uint8Array } {
  const { suite, keyId, enc, ct } = decodeCanonical(SealedPayloadSchema, payload, MAX_ENVELOPE_BYTES, "cannot_open");
  if (suite !== 1 && suite !== 2) throw cannotOpen(`its suite is ${suite}, not 1 or 2`);
  if (keyId.length !== KEY_ID_BYTES) throw cannotOpen("its key id is not 8 bytes");
  return { suite, keyId, enc, ct };
}

function decodeContent(bytes: Uint8Array): SealedContent {
  try {
    return fromBinary(SealedContentSchema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new QightError("cannot_open", "Cannot open: the content is not well-formed", { cause });
  }
}

function faultOfContent(content: SealedContent): string | null {
  if (content.account.length !== ACCOUNT_HASH_BYTES) return "its account is not 32 bytes";
  if (content.bundleHash.length !== 32) return "its bundle hash is not 32 bytes";
  if (content.lineage.length !== LINEAGE_BYTES) return "its lineage is not 8 bytes";
  if (content.counter < 1n) return "its counter is 0";
  if (content.voidCounters.length > MAX_VOID_COUNTERS) return `it lists more than ${MAX_VOID_COUNTERS} void counters`;
  return null;
}

// Importing keys costs as much as using them, and callers hold on to the same arrays; entries go with the arrays.
const recipients = new WeakMap<Uint8Array, Promise<XWingRecipient>>();
const keyPairs = new WeakMap<Uint8Array, { readonly seed: Uint8Array; readonly keys: Promise<XWingKeyPair> }>();

async function recipientOf(key: Uint8Array): Promise<XWingRecipient> {
  let recipient = recipients.get(key);
  if (recipient === undefined) recipients.set(key, recipient = (await xwing()).recipient(key));
  return await recipient;
}

async function keysOf(seed: Uint8Array): Promise<XWingKeyPair> {
  const known = keyPairs.get(seed);
  // An owner who erased or refilled the array must not meet the old key again.
  if (known !== undefined && equal(known.seed, seed)) return await known.keys;
  const keys = (await xwing()).keypairFromSeed(seed);
  keyPairs.set(seed, { seed: seed.slice(), keys });
  return await keys;
}

function cannotOpen(why: string): QightError {
  return new QightError("cannot_open", `Cannot open: ${why}`);
}
