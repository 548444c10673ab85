/** KeyPackages (RFC 9420 section 10): what lets others add a device while it is away. @module */
import type { CiphersuiteImpl, Extension, KeyPackage, PrivateKeyPackage } from "ts-mls";
import { signerFromSeed } from "../ed25519.ts";
import { equal } from "../equal.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { capabilitiesOf, LAST_RESORT_EXTENSION, MAX_KEY_PACKAGE_BYTES } from "./config.ts";
import { credentialIsValid, type LeafOwner, makeCredential, readCredential } from "./credential.ts";
import { checkKeyPackage, checkLifetime, isLastResort, MAX_LIFETIME_S } from "./leaves.ts";
import { library } from "./library.ts";
import { functionsOf, suiteOfName } from "./provider.ts";
import { guarded, refused } from "./refuse.ts";
import { isSuite, type MlsSuite } from "./suite.ts";
import { readKeyPackage, writeMessage } from "./wire.ts";

/** Longest life of a KeyPackage: 90 days, in milliseconds. */
export const MAX_LIFETIME_MS = Number(MAX_LIFETIME_S) * 1000;
/** Bytes of the name that a KeyPackage has at the relay. */
export const REF_BYTES = 32;

/** When a new KeyPackage may be used, milliseconds since 1970 (kept in whole seconds), and how often. */
export interface KeyPackageTerms {
  readonly notBeforeMs: number;
  /** At most 90 days after `notBeforeMs`. */
  readonly notAfterMs: number;
  /** May be used more than once, when the others are gone. */
  readonly lastResort: boolean;
}

/** An own KeyPackage. */
export interface OwnKeyPackage {
  /** First 32 bytes of its KeyPackageRef: the name of it at the relay and at `joinFromWelcome`. */
  readonly ref: Uint8Array;
  /** Serialized MLSMessage; public. */
  readonly keyPackage: Uint8Array;
  /** The private keys, serialized; to be kept until it was used or expired. */
  readonly secret: Uint8Array;
}

/** Somebody's KeyPackage, checked. */
export interface OpenedKeyPackage {
  /** First 32 bytes of its KeyPackageRef. */
  readonly ref: Uint8Array;
  readonly suite: MlsSuite;
  /** Account hash, 32 bytes: a claim, true only when the account's bundle lists the device. */
  readonly account: Uint8Array;
  /** Device key, 32 bytes; it signed the leaf key. */
  readonly device: Uint8Array;
  /** Milliseconds since 1970; nobody adds it afterwards. */
  readonly expiresAtMs: number;
  readonly lastResort: boolean;
}

/** Makes a KeyPackage with fresh keys for a device; throws `bad_group_message` when its life is not 1 s to 90 days. */
export async function makeKeyPackage(
  suite: MlsSuite,
  owner: LeafOwner,
  terms: KeyPackageTerms,
): Promise<OwnKeyPackage> {
  const functions = await functionsOf(suite);
  const { publicPackage, privatePackage } = await generate(functions, owner, terms);
  const keyPackage = writeMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage: publicPackage });
  const out = new ByteWriter();
  out.number(SECRET_VERSION, 1);
  out.number(suite, 1);
  out.opaque(privatePackage.initPrivateKey);
  out.opaque(privatePackage.hpkePrivateKey);
  out.opaque(privatePackage.signaturePrivateKey);
  return { ref: await refOf(publicPackage, functions), keyPackage, secret: out.done() };
}

/** Reads and checks a serialized KeyPackage: form, signatures, credential, lifetime. Throws `bad_group_message`. */
export async function openKeyPackage(bytes: Uint8Array, nowMs: number): Promise<OpenedKeyPackage> {
  const keyPackage = await checkedKeyPackage(bytes, nowMs);
  const suite = suiteOfName(keyPackage.cipherSuite)!;
  return {
    ref: await refOf(keyPackage, await functionsOf(suite)),
    suite,
    ...readCredential(keyPackage.leafNode.credential),
    expiresAtMs: Number(keyPackage.leafNode.lifetime.notAfter) * 1000,
    lastResort: isLastResort(keyPackage),
  };
}

/** A serialized KeyPackage that may be added now, for crypto/mls/. Throws `bad_group_message`. */
export async function checkedKeyPackage(bytes: Uint8Array, nowMs: number): Promise<KeyPackage> {
  const keyPackage = await readKeyPackage(bytes, MAX_KEY_PACKAGE_BYTES);
  const suite = suiteOfName(keyPackage.cipherSuite);
  if (suite === null) throw refused("a KeyPackage is for a suite that is not known here");
  checkKeyPackage(keyPackage, keyPackage.cipherSuite);
  checkLifetime(keyPackage, nowMs);
  const { signature } = await functionsOf(suite);
  const { verifyKeyPackage, verifyLeafNodeSignatureKeyPackage } = await library();
  const { leafNode } = keyPackage;
  const signed = await guarded(
    "a KeyPackage's signature cannot be checked",
    async () =>
      await verifyLeafNodeSignatureKeyPackage(leafNode, signature) && await verifyKeyPackage(keyPackage, signature),
  );
  if (!signed) throw refused("the signature of a KeyPackage is not valid");
  if (!await credentialIsValid(leafNode.credential, leafNode.signaturePublicKey)) {
    throw refused("a KeyPackage is not certified by its device");
  }
  return keyPackage;
}

/** A fresh KeyPackage and its keys, for crypto/mls/. */
export async function generate(functions: CiphersuiteImpl, owner: LeafOwner, terms: KeyPackageTerms) {
  const lifetime = {
    notBefore: BigInt(Math.floor(terms.notBeforeMs / 1000)),
    notAfter: BigInt(Math.floor(terms.notAfterMs / 1000)),
  };
  const life = lifetime.notAfter - lifetime.notBefore;
  if (life <= 0n || life > MAX_LIFETIME_S) throw refused("a KeyPackage lives 1 second to 90 days");
  const leafKey = await functions.signature.keygen();
  const credential = await makeCredential(owner, leafKey.publicKey);
  const extensions: Extension[] = terms.lastResort
    ? [{ extensionType: LAST_RESORT_EXTENSION, extensionData: new Uint8Array(0) }]
    : [];
  const { generateKeyPackageWithKey } = await library();
  const capabilities = capabilitiesOf(functions.name);
  return await generateKeyPackageWithKey(credential, capabilities, lifetime, extensions, leafKey, functions);
}

/** An own KeyPackage as `makeKeyPackage` made it, for crypto/mls/. Throws `bad_group_message`. */
export async function readOwnKeyPackage(
  own: { readonly keyPackage: Uint8Array; readonly secret: Uint8Array },
): Promise<{ suite: MlsSuite; publicPackage: KeyPackage; privatePackage: PrivateKeyPackage }> {
  const publicPackage = await readKeyPackage(own.keyPackage, MAX_KEY_PACKAGE_BYTES);
  const input = new ByteReader(own.secret);
  const version = input.number(1);
  const suite = input.number(1);
  if (version !== SECRET_VERSION || !isSuite(suite)) throw refused("an own KeyPackage is of another version");
  const privatePackage = {
    initPrivateKey: input.opaque(),
    hpkePrivateKey: input.opaque(),
    signaturePrivateKey: input.opaque(),
  };
  input.end();
  const { publicKey } = await signerFromSeed(privatePackage.signaturePrivateKey);
  if (!equal(publicKey, publicPackage.leafNode.signaturePublicKey)) throw refused("an own KeyPackage has other keys");
  return { suite, publicPackage, privatePackage };
}

/** First 32 bytes of a KeyPackageRef (in suite 83 a whole one has 64). */
async function refOf(keyPackage: KeyPackage, functions: CiphersuiteImpl): Promise<Uint8Array> {
  const { makeKeyPackageRef } = await library();
  return (await makeKeyPackageRef(keyPackage, functions.hash)).slice(0, REF_BYTES);
}

const SECRET_VERSION = 1;
