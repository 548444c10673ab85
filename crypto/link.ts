/**
 * Linking a device: what two devices that share a code write for each other, and how each knows who wrote it. The code
 * alone opens neither the grant nor lets anybody forge one for a device that was shown to somebody.
 *
 * Layout: locator and seal key (32 bytes each) = HKDF-SHA256(secret, empty salt, info `qight link locator v1\0`, `… seal
 * v1\0`). Record = nonce (24), XChaCha20-Poly1305 of the serialized message under the seal key, with locator and place (1
 * byte) as associated data. The offer's signature covers `qight link offer v1\0`, locator, X-Wing key (1216), SHA-256 of
 * the name; the answer's `qight link answer v1\0`, locator, new device (32), enc (1120), SHA-256 of ct. Grant = HPKE
 * (X-Wing, HKDF-SHA256, AES-256-GCM), info `qight link v1\0`, locator, new device, old device, no associated data.
 *
 * Sources: RFC 5869 (HKDF), RFC 9180 (HPKE), draft-irtf-cfrg-xchacha (XChaCha20-Poly1305).
 * @module
 */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { QightError } from "../proto/errors.ts";
import {
  type LinkAnswer,
  LinkAnswerSchema,
  type LinkDone,
  LinkDoneSchema,
  type LinkGrant,
  LinkGrantSchema,
  type LinkOffer,
  LinkOfferSchema,
} from "../proto/gen/qight/v1/link_pb.ts";
import { MAX_DEVICE_NAME_BYTES } from "./bundle.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { checkPublicKey, type Signer, verifyEd25519 } from "./ed25519.ts";
import { openBase, sealBase } from "./hpke.ts";
import { randomBytes } from "./webcrypto.ts";
import { xwing, XWING_CIPHERTEXT_BYTES, XWING_PUBLIC_KEY_BYTES, XWING_SEED_BYTES, type XWingKeyPair } from "./xwing.ts";

/** Bytes of a link code's secret. */
export const LINK_SECRET_BYTES = 16;
/** Longest record that a rendezvous takes, bytes. */
export const MAX_LINK_RECORD_BYTES = 32 * 1024;

/** Where a record lies. */
export const LINK_PLACE = { offer: 0, answer: 1, done: 2 } as const;

/** What is derived from the secret, 32 bytes each. */
export interface LinkKeys {
  /** What the relay knows the meeting by. */
  readonly locator: Uint8Array;
  readonly sealKey: Uint8Array;
}

/** Derives the keys of a secret; `invariant` for another length than 16 bytes. */
export function linkKeys(secret: Uint8Array): LinkKeys {
  if (secret.length !== LINK_SECRET_BYTES) throw new QightError("invariant", "The secret of a link code has 16 bytes");
  const derive = (info: Uint8Array) => hkdf(sha256, secret, new Uint8Array(0), info, 32);
  return { locator: derive(domains.linkLocator), sealKey: derive(domains.linkSeal) };
}

/** The new device's end of a link. */
export interface MadeOffer {
  /** For place 0. */
  readonly record: Uint8Array;
  readonly device: Uint8Array;
  /** Opens the grant; lives as long as the link. */
  readonly keyPair: XWingKeyPair;
}

/** Signs and seals what the new device offers; `name` of at most 128 bytes. */
export async function makeOffer(
  keys: LinkKeys,
  signer: Signer,
  name: string,
  seed: Uint8Array = randomBytes(XWING_SEED_BYTES),
): Promise<MadeOffer> {
  const keyPair = await (await xwing()).keypairFromSeed(seed);
  const signature = await signer.sign(offerMessage(keys, keyPair.publicKey, name));
  const offer = { device: signer.publicKey, name, key: keyPair.publicKey, signature };
  const record = sealRecord(keys, LINK_PLACE.offer, toBinary(LinkOfferSchema, create(LinkOfferSchema, offer)));
  return { record, device: signer.publicKey, keyPair };
}

/** Opens place 0; throws `cannot_open` for what was changed, or was not signed by the device that it names. */
export async function openOffer(keys: LinkKeys, record: Uint8Array): Promise<LinkOffer> {
  const offer = decode(LinkOfferSchema, openRecord(keys, LINK_PLACE.offer, record));
  const { device, name, key, signature } = offer;
  checkDevice(device);
  if (key.length !== XWING_PUBLIC_KEY_BYTES) throw cannotOpen("its key has another length");
  if (new TextEncoder().encode(name).length > MAX_DEVICE_NAME_BYTES) throw cannotOpen("its name is too long");
  if (await verifyEd25519(device, offerMessage(keys, key, name), signature)) return offer;
  throw cannotOpen("the device that it names did not sign it");
}

/** Seals a grant for the device of an offer and signs it; the record is for place 1. */
export async function makeAnswer(
  keys: LinkKeys,
  offer: Pick<LinkOffer, "device" | "key">,
  signer: Signer,
  grant: Omit<LinkGrant, "$typeName" | "$unknown">,
): Promise<Uint8Array> {
  const context = { aead: 2, info: grantInfo(keys, offer.device, signer.publicKey), aad: new Uint8Array(0) } as const;
  const plain = toBinary(LinkGrantSchema, create(LinkGrantSchema, grant));
  const { enc, ct } = await sealBase(await (await xwing()).recipient(offer.key), context, plain);
  const signature = await signer.sign(answerMessage(keys, offer.device, enc, ct));
  const answer = create(LinkAnswerSchema, { device: signer.publicKey, signature, enc, ct });
  return sealRecord(keys, LINK_PLACE.answer, toBinary(LinkAnswerSchema, answer));
}

/** A grant and the device (key, 32 bytes) that gave it; whether its list and voucher are right is for the reader. */
export interface OpenedAnswer {
  readonly by: Uint8Array;
  readonly grant: LinkGrant;
}

/** Opens place 1 with the offer's key pair; throws `cannot_open` for what was changed or meant for another device. */
export async function openAnswer(
  keys: LinkKeys,
  { device, keyPair }: Pick<MadeOffer, "device" | "keyPair">,
  record: Uint8Array,
): Promise<OpenedAnswer> {
  const answer: LinkAnswer = decode(LinkAnswerSchema, openRecord(keys, LINK_PLACE.answer, record));
  const { device: by, signature, enc, ct } = answer;
  checkDevice(by);
  if (enc.length !== XWING_CIPHERTEXT_BYTES) throw cannotOpen("its key has another length");
  if (!await verifyEd25519(by, answerMessage(keys, device, enc, ct), signature)) {
    throw cannotOpen("the device that it names did not sign it for this one");
  }
  const context = { aead: 2, info: grantInfo(keys, device, by), aad: new Uint8Array(0) } as const;
  return { by, grant: decode(LinkGrantSchema, await openBase(keyPair, context, enc, ct)) };
}

/** The record for place 2. */
export function makeDone(keys: LinkKeys, done: Pick<LinkDone, "published" | "problem">): Uint8Array {
  return sealRecord(keys, LINK_PLACE.done, toBinary(LinkDoneSchema, create(LinkDoneSchema, done)));
}

/** Opens place 2; throws `cannot_open`. */
export function openDone(keys: LinkKeys, record: Uint8Array): LinkDone {
  return decode(LinkDoneSchema, openRecord(keys, LINK_PLACE.done, record));
}

const NONCE_BYTES = 24;
const TAG_BYTES = 16;

function sealRecord({ locator, sealKey }: LinkKeys, place: number, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  return concat(nonce, xchacha20poly1305(sealKey, nonce, concat(locator, Uint8Array.of(place))).encrypt(plain));
}

function openRecord({ locator, sealKey }: LinkKeys, place: number, record: Uint8Array): Uint8Array {
  if (record.length < NONCE_BYTES + TAG_BYTES || record.length > MAX_LINK_RECORD_BYTES) {
    throw cannotOpen("it has a length that none has");
  }
  const additional = concat(locator, Uint8Array.of(place));
  try {
    return xchacha20poly1305(sealKey, record.slice(0, NONCE_BYTES), additional).decrypt(record.subarray(NONCE_BYTES));
  } catch (cause) {
    throw cannotOpen("it was changed, or belongs to another code", cause);
  }
}

function decode<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw cannotOpen("it is not well-formed", cause);
  }
}

function checkDevice(device: Uint8Array): void {
  try {
    checkPublicKey(device);
  } catch (cause) {
    throw cannotOpen("it names no device", cause);
  }
}

function offerMessage({ locator }: LinkKeys, key: Uint8Array, name: string): Uint8Array {
  return concat(domains.linkOffer, locator, key, sha256(new TextEncoder().encode(name)));
}

function answerMessage({ locator }: LinkKeys, device: Uint8Array, enc: Uint8Array, ct: Uint8Array): Uint8Array {
  return concat(domains.linkAnswer, locator, device, enc, sha256(ct));
}

function grantInfo({ locator }: LinkKeys, newDevice: Uint8Array, oldDevice: Uint8Array): Uint8Array {
  return concat(domains.link, locator, newDevice, oldDevice);
}

function cannotOpen(why: string, cause?: unknown): QightError {
  return new QightError("cannot_open", `Cannot open what the other device left: ${why}`, {
    cause,
    hint: "Begin anew with another code: qight device link.",
  });
}
