/**
 * Invites: one secret of 16 bytes that two people share for some minutes, and what is made of it. The relay finds the
 * record by the locator; what is in it, and who may answer it, only the secret says.
 *
 * Layout: locator, seal key and MAC key (32 bytes each) = HKDF-SHA256(secret, empty salt, info `qight invite locator
 * v1\0`, `… seal v1\0`, `… mac v1\0`). Sealed record = nonce (12), AES-256-GCM of the padded serialized `InviteRecord`
 * under the seal key with the locator as associated data. The answer's MAC = HMAC-SHA256(MAC key, `qight invite accept
 * v1\0`, maker's account hash (32), taker's account hash (32), taker's name in UTF-8); its message id = the first 16 bytes
 * of HMAC-SHA256(MAC key, `qight invite message v1\0`), so that an answer given twice is one message.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { QightError } from "../proto/errors.ts";
import { type GroupInvite, type InviteRecord, InviteRecordSchema } from "../proto/gen/qight/v1/invite_pb.ts";
import { ACCOUNT_HASH_BYTES } from "./account.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { equal } from "./equal.ts";
import { pad, unpad } from "./padding.ts";
import { randomBytes, subtle } from "./webcrypto.ts";

/** Bytes of an invite's secret. */
export const INVITE_SECRET_BYTES = 16;

/** What is derived from the secret, 32 bytes each. */
export interface InviteKeys {
  /** What the relay knows the invite by. */
  readonly locator: Uint8Array;
  readonly sealKey: Uint8Array;
  readonly macKey: Uint8Array;
}

/** What an answer proves: who made the invite, who took it, and how that one wishes to be called. */
export interface AcceptFacts {
  readonly maker: Uint8Array; // account hash, 32 bytes
  readonly taker: Uint8Array; // account hash, 32 bytes
  readonly name: string;
}

/** Derives the keys of a secret; `invariant` for another length than 16 bytes. */
export function inviteKeys(secret: Uint8Array): InviteKeys {
  if (secret.length !== INVITE_SECRET_BYTES) throw new QightError("invariant", "The secret of an invite has 16 bytes");
  const derive = (info: Uint8Array) => hkdf(sha256, secret, new Uint8Array(0), info, 32);
  return {
    locator: derive(domains.inviteLocator),
    sealKey: derive(domains.inviteSeal),
    macKey: derive(domains.inviteMac),
  };
}

/** What a group's invite lets its taker do: come into the group by the relay's join key, both 32 bytes. */
export type GroupPass = Pick<GroupInvite, "group" | "joinKey" | "name">;

/**
 * Seals the maker's account (hash, 32 bytes) and name, and the way into a group; `message_too_large` for names of a
 * thousand bytes.
 */
export async function sealInviteRecord(
  { locator, sealKey }: InviteKeys,
  { account, name, group }: Pick<InviteRecord, "account" | "name"> & { readonly group?: GroupPass | undefined },
  nonce: Uint8Array = randomBytes(NONCE_BYTES),
): Promise<Uint8Array> {
  const plain = pad(
    toBinary(InviteRecordSchema, create(InviteRecordSchema, { account, name, ...(group ? { group } : {}) })),
  );
  if (plain.length > MAX_PADDED) throw new QightError("message_too_large", "The name in an invite is too long");
  const key = await subtle.importKey("raw", sealKey, "AES-GCM", false, ["encrypt"]);
  const ct = await subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: locator }, key, plain);
  return concat(nonce, new Uint8Array(ct));
}

/** Opens a record as the relay gave it; throws `cannot_open`. Unknown fields inside are ignored. */
export async function openInviteRecord({ locator, sealKey }: InviteKeys, record: Uint8Array): Promise<InviteRecord> {
  if (record.length > NONCE_BYTES + MAX_PADDED + TAG_BYTES) throw cannotOpen("it is too long");
  try {
    const key = await subtle.importKey("raw", sealKey, "AES-GCM", false, ["decrypt"]);
    const algorithm = { name: "AES-GCM", iv: record.subarray(0, NONCE_BYTES), additionalData: locator };
    const plain = unpad(new Uint8Array(await subtle.decrypt(algorithm, key, record.subarray(NONCE_BYTES))));
    const opened = fromBinary(InviteRecordSchema, plain, { readUnknownFields: false });
    const { account, group } = opened;
    const whole = !group || (group.group.length === GROUP_ID_BYTES && group.joinKey.length === JOIN_KEY_BYTES);
    if (account.length === ACCOUNT_HASH_BYTES && whole) return opened;
  } catch (cause) {
    throw cannotOpen("it was changed, or belongs to another invite", cause);
  }
  throw cannotOpen("it names no account");
}

/** The MAC of an answer, 32 bytes. */
export function acceptMac(macKey: Uint8Array, { maker, taker, name }: AcceptFacts): Uint8Array {
  return hmac(sha256, macKey, concat(domains.inviteAccept, maker, taker, new TextEncoder().encode(name)));
}

/** Whether an answer was made by somebody who knows the secret, for just these facts. */
export function isAcceptMac(macKey: Uint8Array, facts: AcceptFacts, mac: Uint8Array): boolean {
  return equal(acceptMac(macKey, facts), mac);
}

/** The message id of an invite's answer, 16 bytes. */
export function acceptMessageId(macKey: Uint8Array): Uint8Array {
  return hmac(sha256, macKey, domains.inviteMessage).slice(0, 16);
}

const GROUP_ID_BYTES = 32;
const JOIN_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_PADDED = 1024;

function cannotOpen(why: string, cause?: unknown): QightError {
  return new QightError("cannot_open", `Cannot open the invite's record: ${why}`, { cause, hint: OTHER_INVITE });
}

const OTHER_INVITE = "The relay may be lying: ask for another invite.";
