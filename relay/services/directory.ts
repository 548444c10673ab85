/**
 * Bundles and sealing keys: who has which devices, and how to seal to them.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { checkSuccessor, openBundle } from "../../crypto/bundle.ts";
import { equal } from "../../crypto/equal.ts";
import { openSealingKey } from "../../crypto/sealing_key.ts";
import { QightError } from "../../proto/errors.ts";
import {
  GetBundleRequestSchema,
  GetBundleResponseSchema,
  GetSealingKeysRequestSchema,
  GetSealingKeysResponseSchema,
  PublishBundleRequestSchema,
  PublishBundleResponseSchema,
  PublishSealingKeyRequestSchema,
  PublishSealingKeyResponseSchema,
} from "../../proto/gen/qight/v1/directory_pb.ts";
import type { Admission } from "../admission.ts";
import type { CallContext } from "../dispatch.ts";
import type { Limits } from "../limits.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../storage/store.ts";
import { FUTURE_TOLERANCE_MS } from "./acceptance.ts";

/** What the directory needs of the relay. */
export interface DirectoryRoom {
  readonly store: Store;
  readonly admission: Admission;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly now: () => number;
}

/** PublishBundle: compare-and-set of the own account's device list. */
export async function publishBundle(room: DirectoryRoom, call: CallContext): Promise<void> {
  if (call.peer.session?.refusal) throw call.peer.session.refusal;
  const request = await call.requests.only(PublishBundleRequestSchema);
  const bundle = await openBundle(request.bundle);
  if (bundle.expiresAtMs <= room.now()) {
    throw new QightError("bad_bundle", "The bundle has expired by the relay's clock, or its maker's clock is behind");
  }
  if (!bundle.devices.some(({ key }) => equal(key, call.peer.device))) {
    throw new QightError("not_allowed", "The bundle does not list the device of this session");
  }
  await room.admission.checkAccount(bundle.account);
  const stored = await room.store.bundleOfAccount(bundle.account);
  if (stored) {
    const known = await openBundle(stored.bundle);
    if (equal(known.hash, bundle.hash)) return await published(call);
    checkSuccessor(known, bundle);
  } else if (!room.limits.takeNewAccount(call.peer.connection.peer.hostname)) {
    room.metrics.rateLimited("accounts");
    throw new QightError("rate_limited", "Too many new accounts from this address today", {
      retryAfterMs: 60 * 60 * 1000,
    });
  }
  const put = await room.store.putBundle({
    account: bundle.account,
    version: bundle.version,
    bundle: bundle.bytes,
    devices: bundle.devices.map(({ key }) => key),
  }, Number(request.expectedVersion));
  if (put.kind === "version_conflict") throw new QightError("version_conflict", "Another device published first");
  if (put.kind === "device_taken") {
    throw new QightError("not_allowed", "A device of this bundle belongs to another account");
  }
  if (put.kind === "ended") throw new QightError("account_ended");
  await published(call);
}

/** GetBundle: by account or by device; an empty answer when there is none. */
export async function getBundle(room: DirectoryRoom, call: CallContext): Promise<void> {
  const { who } = await call.requests.only(GetBundleRequestSchema);
  if (who.case === undefined) throw new QightError("bad_frame", "The call names neither account nor device");
  const stored = who.case === "account"
    ? await room.store.bundleOfAccount(who.value)
    : await room.store.bundleOfDevice(who.value);
  const answer = create(GetBundleResponseSchema, { bundle: stored?.bundle });
  await call.reply.send(toBinary(GetBundleResponseSchema, answer));
}

/** PublishSealingKey: each device publishes its own; newer replaces, older is refused as a rollback. */
export async function publishSealingKey(room: DirectoryRoom, call: CallContext): Promise<void> {
  const request = await call.requests.only(PublishSealingKeyRequestSchema);
  const key = await openSealingKey(request.sealingKey);
  if (!equal(key.device, call.peer.device)) {
    throw new QightError("not_allowed", "The sealing key belongs to another device");
  }
  const now = room.now();
  if (key.createdAtMs > now + FUTURE_TOLERANCE_MS) {
    throw new QightError("from_the_future", "The sealing key is dated more than 10 minutes ahead of the relay's clock");
  }
  if (key.expiresAtMs <= now) {
    throw new QightError("expired", "The sealing key has expired by the relay's clock, or its maker's clock is behind");
  }
  const bundle = await room.store.bundleOfDevice(key.device);
  if (!bundle || !equal(bundle.account, key.account)) {
    throw new QightError("not_allowed", "No published bundle of this account lists this device");
  }
  const { device, createdAtMs, expiresAtMs } = key;
  if (!await room.store.putSealingKey({ device, createdAtMs, expiresAtMs, sealingKey: key.bytes })) {
    throw new QightError("key_changed", "A newer sealing key of this device is published already");
  }
  await call.reply.send(toBinary(PublishSealingKeyResponseSchema, create(PublishSealingKeyResponseSchema)));
}

/** GetSealingKeys: an account's bundle and the current sealing key of each of its devices. */
export async function getSealingKeys(room: DirectoryRoom, call: CallContext): Promise<void> {
  const { account } = await call.requests.only(GetSealingKeysRequestSchema);
  const bundle = await room.store.bundleOfAccount(account);
  const keys = bundle ? await room.store.sealingKeys(bundle.devices) : [];
  const answer = create(GetSealingKeysResponseSchema, {
    bundle: bundle?.bundle,
    sealingKeys: keys.map(({ sealingKey }) => sealingKey),
  });
  await call.reply.send(toBinary(GetSealingKeysResponseSchema, answer));
}

function published(call: CallContext): Promise<void> {
  return call.reply.send(toBinary(PublishBundleResponseSchema, create(PublishBundleResponseSchema)));
}
