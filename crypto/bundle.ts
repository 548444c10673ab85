/**
 * Bundles: an account's signed list of its devices. Both account keys sign it; a reader takes a newer one only.
 *
 * Layout: `Bundle` {1: body, 2: Ed25519 signature (64), 3: ML-DSA-65 signature (3309)}; body = serialized `BundleBody`
 * {1: {1: Ed25519 (32), 2: ML-DSA-65 (1952)}, 2: version, 3: created ms, 4: expires ms, 5: repeated {1: device key
 * (32), 2: name, 3: added ms}, 6: devices only}; both signatures cover `"qight bundle v1\0"` + body.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../proto/errors.ts";
import { type BundleBody, BundleBodySchema, BundleSchema } from "../proto/gen/qight/v1/account_pb.ts";
import { type Account, accountHash, formatAccountId } from "./account.ts";
import { signatureFault, signByAccount } from "./account_signatures.ts";
import { decodeCanonical, safeNumber } from "./canonical.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { checkPublicKey } from "./ed25519.ts";
import { equal } from "./equal.ts";
import { hex } from "./hex.ts";
import { sha256 } from "./sha256.ts";

/** Most devices in one bundle. */
export const MAX_DEVICES = 8;
/** Longest device name, in bytes of UTF-8. */
export const MAX_DEVICE_NAME_BYTES = 128;
/** Longest serialized bundle: keys and signatures (5.4 KB) and eight devices with room. */
const MAX_BUNDLE_BYTES = 8192;

/** One device of an account. */
export interface BundleDevice {
  /** Ed25519 device key, 32 bytes. */
  readonly key: Uint8Array;
  /** What its owner calls it; at most 128 bytes of UTF-8, from another person: escape it for terminals. */
  readonly name: string;
  /** When it was added, milliseconds since 1970. */
  readonly addedAtMs: number;
}

/** What goes into a bundle. */
export interface BundleFields {
  /** Grows with each change; milliseconds since 1970 by custom. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** One to eight devices. */
  readonly devices: readonly BundleDevice[];
  /** A device was revoked once: from then on only who is listed, or has a listed device's voucher, changes the list. */
  readonly devicesOnly?: boolean;
}

/** A bundle whose form and both signatures were checked. */
export interface VerifiedBundle extends BundleFields {
  /** Account hash, 32 bytes. */
  readonly account: Uint8Array;
  /** The same as `qid1…`. */
  readonly accountId: string;
  readonly devicesOnly: boolean;
  /** SHA-256 of `bytes`. */
  readonly hash: Uint8Array;
  /** The serialized `Bundle`. */
  readonly bytes: Uint8Array;
}

/** Makes and signs a bundle; throws `bad_bundle` when the fields break its rules. */
export async function signBundle(account: Account, fields: BundleFields): Promise<VerifiedBundle> {
  const body = toBinary(
    BundleBodySchema,
    create(BundleBodySchema, {
      account: { ed25519: account.keys.ed25519, mlDsa65: account.keys.mlDsa65 },
      version: whole(fields.version, "version"),
      createdAtMs: whole(fields.createdAtMs, "created"),
      expiresAtMs: whole(fields.expiresAtMs, "expires"),
      devices: fields.devices.map(({ key, name, addedAtMs }) => ({ key, name, addedAtMs: whole(addedAtMs, "added") })),
      devicesOnly: fields.devicesOnly ?? false,
    }),
  );
  const signatures = await signByAccount(account, concat(domains.bundle, body));
  return await openBundle(toBinary(BundleSchema, create(BundleSchema, { body, ...signatures })));
}

/**
 * Reads a serialized `Bundle` and checks all of it: canonical form, devices, both signatures and, when `nowMs` is
 * given, that it has not expired. Throws `bad_bundle`.
 */
export async function openBundle(bytes: Uint8Array, nowMs?: number): Promise<VerifiedBundle> {
  const bundle = decodeCanonical(BundleSchema, bytes, MAX_BUNDLE_BYTES, "bad_bundle");
  const body = decodeCanonical(BundleBodySchema, bundle.body, MAX_BUNDLE_BYTES, "bad_bundle");
  if (body.account === undefined) throw bad("it names no account");
  const account = await accountHash(body.account);
  const fields = fieldsOf(body);
  const fault = await signatureFault(body.account, concat(domains.bundle, bundle.body), bundle);
  if (fault !== null) throw bad(fault);
  if (nowMs !== undefined && fields.expiresAtMs <= nowMs) throw bad("it has expired");
  return { ...fields, account, accountId: formatAccountId(account), hash: await sha256(bytes), bytes };
}

/** Whether a list has a device (key, 32 bytes); false where there is no list. */
export function lists(bundle: Pick<VerifiedBundle, "devices"> | null, device: Uint8Array): boolean {
  return bundle !== null && bundle.devices.some(({ key }) => equal(key, device));
}

/** What is known of a bundle that another one would follow. */
export type KnownBundle = Pick<VerifiedBundle, "version" | "hash"> & Partial<Pick<VerifiedBundle, "devicesOnly">>;

/**
 * Throws `key_changed` when `next` would roll `known` back: a lower version, the same version with other content, or a
 * newer one that says no more that listed devices alone change the list. The account must be the same; that is for the
 * caller's pin to say.
 */
export function checkSuccessor(known: KnownBundle | null, next: VerifiedBundle): void {
  if (known === null) return;
  if (next.version > known.version) {
    if (!known.devicesOnly || next.devicesOnly) return;
    throw new QightError(
      "key_changed",
      `The device list of ${next.accountId} was rolled back: version ${next.version} forgets that a device was revoked`,
    );
  }
  if (next.version < known.version) {
    throw new QightError(
      "key_changed",
      `The device list of ${next.accountId} was rolled back: version ${next.version} after ${known.version}`,
    );
  }
  if (!equal(next.hash, known.hash)) {
    throw new QightError("key_changed", `There are two device lists of ${next.accountId} with version ${next.version}`);
  }
}

function fieldsOf(body: BundleBody): Required<BundleFields> {
  const version = safeNumber(body.version, "The bundle's version", "bad_bundle");
  const createdAtMs = safeNumber(body.createdAtMs, "The bundle's date", "bad_bundle");
  const expiresAtMs = safeNumber(body.expiresAtMs, "The bundle's expiry", "bad_bundle");
  if (version < 1) throw bad("its version is 0");
  if (expiresAtMs <= createdAtMs) throw bad("it expires before it was made");
  if (body.devices.length < 1 || body.devices.length > MAX_DEVICES) {
    throw bad(`it lists ${body.devices.length} devices, 1 to ${MAX_DEVICES} are allowed`);
  }
  const seen = new Set<string>();
  const devices = body.devices.map(({ key, name, addedAtMs }): BundleDevice => {
    checkDevice(key, name);
    seen.add(hex(key));
    return { key, name, addedAtMs: safeNumber(addedAtMs, "A device's date", "bad_bundle") };
  });
  if (seen.size !== devices.length) throw bad("it lists a device twice");
  return { version, createdAtMs, expiresAtMs, devices, devicesOnly: body.devicesOnly };
}

function checkDevice(key: Uint8Array, name: string): void {
  try {
    checkPublicKey(key);
  } catch (cause) {
    throw new QightError("bad_bundle", "Cannot use the bundle: a device key is not valid", { cause });
  }
  if (new TextEncoder().encode(name).length > MAX_DEVICE_NAME_BYTES) {
    throw bad(`a device name is longer than ${MAX_DEVICE_NAME_BYTES} bytes`);
  }
}

function whole(value: number, what: string): bigint {
  if (!Number.isSafeInteger(value) || value < 0) throw bad(`"${what}" is not a whole number`);
  return BigInt(value);
}

function bad(why: string): QightError {
  return new QightError("bad_bundle", `Cannot use the bundle: ${why}`);
}
