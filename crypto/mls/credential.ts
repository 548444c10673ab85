/**
 * Who a leaf of a group is: its credential names an account and a device, and the device key signs the leaf's signature
 * key. That the account's bundle lists the device is for the caller to check.
 *
 * Layout: the identity of a BasicCredential is a serialized `LeafCredential` {1: account hash (32), 2: device key (32),
 * 3: signature (64)}; the signature covers `"qight mls leaf v1\0"` + account + device + the leaf's signature key.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import type { Credential } from "ts-mls";
import { QightError } from "../../proto/errors.ts";
import { LeafCredentialSchema } from "../../proto/gen/qight/v1/conversation_pb.ts";
import { ACCOUNT_HASH_BYTES } from "../account.ts";
import { decodeCanonical } from "../canonical.ts";
import { concat } from "../concat.ts";
import { domains } from "../domains.ts";
import { PUBLIC_KEY_BYTES, type Signer, verifyEd25519 } from "../ed25519.ts";

/** Whose leaf is to be made. */
export interface LeafOwner {
  /** Account hash, 32 bytes. */
  readonly account: Uint8Array;
  /** The device key. */
  readonly signer: Signer;
}

/** A leaf of a group, and for whom it speaks. */
export interface Member {
  /** Its place among the leaves, from 0; another member may get it after a removal. */
  readonly leaf: number;
  /** Account hash, 32 bytes: a claim of the device, true only when the account's bundle lists the device. */
  readonly account: Uint8Array;
  /** Device key, 32 bytes. */
  readonly device: Uint8Array;
}

/** A credential that binds a leaf's signature key to the owner's device. */
export async function makeCredential(owner: LeafOwner, leafKey: Uint8Array): Promise<Credential> {
  const { account, signer } = owner;
  const device = signer.publicKey;
  const signature = await signer.sign(signedBytes(account, device, leafKey));
  const identity = toBinary(LeafCredentialSchema, create(LeafCredentialSchema, { account, device, signature }));
  return { credentialType: "basic", identity };
}

/** Account and device in a credential, without checking the signature; throws `bad_group_message` for another form. */
export function readCredential(credential: Credential): LeafIdentity {
  let identity = known.get(credential);
  if (identity === undefined) {
    const { account, device } = decode(credential);
    known.set(credential, identity = { account, device });
  }
  return identity;
}

/** For whom a leaf speaks. */
export interface LeafIdentity {
  /** Account hash, 32 bytes. */
  readonly account: Uint8Array;
  /** Device key, 32 bytes. */
  readonly device: Uint8Array;
}

// ts-mls compares every two KeyPackages of a commit: without this, adding 250 takes a second longer (measured).
const known = new WeakMap<Credential, LeafIdentity>();

/** Whether a credential is one of ours and its device signed this leaf key; never throws for bad input. */
export async function credentialIsValid(credential: Credential, leafKey: Uint8Array): Promise<boolean> {
  let read: ReturnType<typeof decode>;
  try {
    read = decode(credential);
  } catch (error) {
    if (error instanceof QightError) return false; // the answer, not a failure
    throw error;
  }
  return await verifyEd25519(read.device, signedBytes(read.account, read.device, leafKey), read.signature);
}

/** A LeafCredential is 136 bytes. */
const MAX_IDENTITY_BYTES = 256;

function decode(credential: Credential) {
  if (credential.credentialType !== "basic") {
    throw new QightError("bad_group_message", "Cannot use the leaf: its credential is not of qight");
  }
  const read = decodeCanonical(LeafCredentialSchema, credential.identity, MAX_IDENTITY_BYTES, "bad_group_message");
  if (read.account.length !== ACCOUNT_HASH_BYTES || read.device.length !== PUBLIC_KEY_BYTES) {
    throw new QightError("bad_group_message", "Cannot use the leaf: account or device is not 32 bytes");
  }
  return read;
}

function signedBytes(account: Uint8Array, device: Uint8Array, leafKey: Uint8Array): Uint8Array {
  return concat(domains.mlsLeaf, account, device, leafKey);
}
