/**
 * Bundles and sealing keys as others ask for them: who has which devices, and how to seal to them.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { equal } from "../../crypto/equal.ts";
import { openSealingKey } from "../../crypto/sealing_key.ts";
import { QightError } from "../../proto/errors.ts";
import {
  GetBundleRequestSchema,
  GetBundleResponseSchema,
  GetSealingKeysRequestSchema,
  GetSealingKeysResponseSchema,
  PublishSealingKeyRequestSchema,
  PublishSealingKeyResponseSchema,
} from "../../proto/gen/qight/v1/directory_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { Store, StoredBundle } from "../storage/store.ts";
import { FUTURE_TOLERANCE_MS } from "./acceptance.ts";

/** What the directory needs of the relay. */
export interface DirectoryRoom {
  readonly store: Store;
  readonly now: () => number;
}

/** GetBundle: by account or by device; an empty answer when there is none, of an ended account its end. */
export async function getBundle(room: DirectoryRoom, call: CallContext): Promise<void> {
  const { who } = await call.requests.only(GetBundleRequestSchema);
  if (who.case === undefined) throw new QightError("bad_frame", "The call names neither account nor device");
  const stored = who.case === "account" ? await listOf(room, who.value) : await room.store.bundleOfDevice(who.value);
  const end = who.case === "account" && !stored ? await endOf(room, who.value) : {};
  const answer = create(GetBundleResponseSchema, { bundle: stored?.bundle, ...end });
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

/** GetSealingKeys: an account's bundle and the current sealing key of each of its devices, or the account's end. */
export async function getSealingKeys(room: DirectoryRoom, call: CallContext): Promise<void> {
  const { account } = await call.requests.only(GetSealingKeysRequestSchema);
  const bundle = await listOf(room, account);
  const keys = bundle ? await room.store.sealingKeys(bundle.devices) : [];
  const answer = create(GetSealingKeysResponseSchema, {
    bundle: bundle?.bundle,
    sealingKeys: keys.map(({ sealingKey }) => sealingKey),
    ...bundle ? {} : await endOf(room, account),
  });
  await call.reply.send(toBinary(GetSealingKeysResponseSchema, answer));
}

/** Null also for an account whose last device has moved away. */
async function listOf({ store }: DirectoryRoom, account: Uint8Array): Promise<StoredBundle | null> {
  const stored = await store.bundleOfAccount(account);
  return stored && stored.devices.length > 0 ? stored : null;
}

async function endOf({ store }: DirectoryRoom, account: Uint8Array): Promise<{ readonly end?: Uint8Array }> {
  const end = await store.accounts.ended(account);
  return end ? { end } : {};
}
