/**
 * Makes this device known to a relay: the account's bundle and the device's sealing key, renewed before they run out.
 * @module
 */
import {
  type BundleFields,
  checkSuccessor,
  lists,
  openBundle,
  signBundle,
  type VerifiedBundle,
} from "../crypto/bundle.ts";
import { equal } from "../crypto/equal.ts";
import { makeSealingKey, openSealingKey, type VerifiedSealingKey } from "../crypto/sealing_key.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { type Clock, CLOCK_TOLERANCE_MS, type Random } from "./clock.ts";
import { dateForRelay, refuseClockAhead } from "./clock_check.ts";
import { noteDeviceNews } from "./device_news.ts";
import type { Identity } from "./identity.ts";
import { followAccount } from "./own_account.ts";
import type { RelayClient } from "./relay_client.ts";
import type { ClientStore, SealingSecret } from "./storage/store.ts";

/** What publishing needs. */
export interface PublishOptions {
  relay: Pick<RelayClient, "getSealingKeys" | "publishBundle" | "publishSealingKey" | "relayNowMs" | "session">;
  store: ClientStore;
  identity: Identity;
  clock: Pick<Clock, "now">;
  random: Random;
  /** Make a new sealing key even if the present one is young (`key rotate`). */
  rotate?: boolean;
}

/** What the relay knows of this device now. */
export interface Published {
  readonly bundle: VerifiedBundle;
  readonly sealingKey: VerifiedSealingKey;
  /** Whether anything had to be published. */
  readonly changed: boolean;
}

/** Most devices of an account: a list may hold more for as long as a recovery takes. */
export const MAX_ACCOUNT_DEVICES = 5;
/** Life of a bundle: one year, renewed at half. */
const BUNDLE_LIFE_MS = 365 * 24 * 3600_000;
/** Life of a sealing key: 45 days. */
const SEALING_KEY_LIFE_MS = 45 * 24 * 3600_000;
/** A sealing key is replaced at this age: 30 days. */
const SEALING_KEY_ROTATION_MS = 30 * 24 * 3600_000;

const MAX_TRIES = 5;

/**
 * Publishes what the relay lacks, and nothing when it has all. Called at the start of sending and fetching.
 * `from_the_future` when our clock is far ahead of the relay's; `not_listed` when another device of the account removed
 * this one, or any: then the account's key alone is no way in; `too_many_devices`; `key_changed` when the relay rolled us
 * back.
 */
export async function ensurePublished(options: PublishOptions): Promise<Published> {
  refuseClockAhead(options.clock, options.relay);
  await beginAs(options);
  const { account } = options.identity;
  const atRelay = await options.relay.getSealingKeys(account.hash);
  const bundle = await ensureBundle(options, atRelay.bundle);
  const sealingKey = await ensureSealingKey(options, atRelay.sealingKeys);
  return { bundle: bundle.bundle, sealingKey: sealingKey.key, changed: bundle.changed || sealingKey.changed };
}

/** The bundle that this device would show at HELLO: the newest known one, else a first one. */
export async function ownBundle(
  options: Pick<PublishOptions, "store" | "identity" | "clock">,
): Promise<VerifiedBundle> {
  const known = await options.store.read(({ directory }) => directory.latest(options.identity.account.hash));
  if (known) return await openBundle(known.bytes);
  return await signNext({ ...options, nowMs: options.clock.now() }, null, null);
}

async function ensureBundle(
  options: PublishOptions,
  stored: Uint8Array | null,
): Promise<{ bundle: VerifiedBundle; changed: boolean }> {
  const { store, identity, relay, clock } = options;
  let atRelay = stored;
  for (let tries = 1;; tries++) {
    const known = await store.read(({ directory }) => directory.latest(identity.account.hash));
    const before = known && await openBundle(known.bytes);
    const current = atRelay ? await openBundle(atRelay) : null;
    if (current) {
      if (!equal(current.account, identity.account.hash)) {
        throw new QightError("bad_bundle", "The relay answered with another account's bundle");
      }
      if (before && tries === 1 && isBehind(current, before, identity)) {
        atRelay = await offerNewer(options, before, current);
        continue;
      }
      checkSuccessor(before, current);
      await rememberOwn(store, current, before, identity);
      if (isGood(current, identity, clock.now())) return { bundle: current, changed: false };
    }
    const ours = await nextBundle(options, before, current);
    try {
      await relay.publishBundle(ours.bytes, current?.version ?? 0);
      await rememberOwn(store, ours, null, identity);
      return { bundle: ours, changed: true };
    } catch (thrown) {
      // Another device was faster: take what it wrote, merge, repeat.
      const lost = thrown instanceof QightError && thrown.code === "version_conflict";
      if (!lost || tries === MAX_TRIES) throw thrown;
      atRelay = (await relay.getSealingKeys(identity.account.hash)).bundle;
    }
  }
}

/** A relay that came back from a backup, or another one than the list was changed at, has an older list. */
function isBehind(current: VerifiedBundle, before: VerifiedBundle, { signer }: Identity): boolean {
  return current.version < before.version && lists(current, signer.publicKey) && lists(before, signer.publicKey);
}

/**
 * Gives it the newer one, so that a device that was revoked is revoked there too; answers what it shows then: one that
 * lies still shows the older list. Throws `key_changed` when it does not take it.
 */
async function offerNewer(
  { relay, identity }: PublishOptions,
  before: VerifiedBundle,
  current: VerifiedBundle,
): Promise<Uint8Array | null> {
  try {
    await relay.publishBundle(before.bytes, current.version);
  } catch (thrown) {
    if (asQightError(thrown).code !== "version_conflict") {
      checkSuccessor(before, current);
      throw thrown;
    }
  }
  return (await relay.getSealingKeys(identity.account.hash)).bundle;
}

function isGood(bundle: VerifiedBundle, identity: Identity, nowMs: number): boolean {
  const halfway = bundle.createdAtMs + (bundle.expiresAtMs - bundle.createdAtMs) / 2;
  return lists(bundle, identity.signer.publicKey) && nowMs < halfway;
}

async function nextBundle(
  options: PublishOptions,
  before: VerifiedBundle | null,
  current: VerifiedBundle | null,
): Promise<VerifiedBundle> {
  // A relay that has lost our bundle gets the very same one again.
  if (before && !current && isGood(before, options.identity, options.clock.now())) return before;
  return await signNext({ ...options, nowMs: dateForRelay(options.clock, options.relay) }, before, current);
}

async function signNext(
  { identity, store, nowMs }: Pick<PublishOptions, "identity" | "store"> & { readonly nowMs: number },
  before: VerifiedBundle | null,
  current: VerifiedBundle | null,
): Promise<VerifiedBundle> {
  const own = identity.signer.publicKey;
  const newest = current ?? before;
  if (newest && !lists(newest, own)) {
    // The account's key is here, and yet the list stays as another device wants it.
    const dropped = await wasListed(store, identity.account.hash, own);
    if (dropped || newest.devicesOnly) throw notListed(dropped);
    if (newest.devices.length >= MAX_ACCOUNT_DEVICES) throw tooManyDevices(newest);
  }
  const devices = newest ? [...newest.devices] : [];
  if (!devices.some(({ key }) => equal(key, own))) {
    devices.push({ key: own, name: identity.deviceName, addedAtMs: nowMs });
  }
  // Kept only once it is published: a device that lost the race would else take the winner's for a rollback.
  return await signList(identity, newest, { devices }, nowMs);
}

/** Signs the list that follows `before`: other devices, or that devices alone change it from now on. */
export async function signList(
  { account }: Pick<Identity, "account">,
  before: VerifiedBundle | null,
  { devices, devicesOnly = false }: Pick<BundleFields, "devices" | "devicesOnly">,
  nowMs: number,
): Promise<VerifiedBundle> {
  return await signBundle(account, {
    version: Math.max((before?.version ?? 0) + 1, nowMs),
    createdAtMs: nowMs,
    expiresAtMs: nowMs + BUNDLE_LIFE_MS,
    devices,
    devicesOnly: devicesOnly || (before?.devicesOnly ?? false),
  });
}

/** What a device hears that its account does not list; `dropped`: it was listed once. */
export function notListed(dropped: boolean): QightError {
  return new QightError(
    "not_listed",
    dropped
      ? "This device was removed from its account by another device"
      : "This device is not on its account's list, and a device of it was revoked once: the key alone is no way in any more",
  );
}

/** The refusal to add one more to a full list. */
export function tooManyDevices({ devices }: Pick<VerifiedBundle, "devices">): QightError {
  return new QightError(
    "too_many_devices",
    `The account has ${devices.length} devices, and at most ${MAX_ACCOUNT_DEVICES} are allowed`,
  );
}

async function wasListed(store: ClientStore, account: Uint8Array, device: Uint8Array): Promise<boolean> {
  const known = await store.read(({ directory }) => directory.since(account, 0));
  for (const { bytes } of known) if (lists(await openBundle(bytes), device)) return true;
  return false;
}

async function ensureSealingKey(
  options: PublishOptions,
  atRelay: readonly Uint8Array[],
): Promise<{ key: VerifiedSealingKey; changed: boolean }> {
  const { store, identity, relay, clock } = options;
  const keys = await Promise.all(atRelay.map(openSealingKey));
  const theirs = keys.find((key) => equal(key.device, identity.signer.publicKey)) ?? null;
  const newest = await store.read(({ secrets }) => secrets.newest());
  const fresh = newest && !options.rotate && clock.now() < newest.createdAtMs + SEALING_KEY_ROTATION_MS;
  if (fresh && theirs && equal(theirs.keyId, newest.keyId)) return { key: theirs, changed: false };
  // One of an account that this device has left opens its mail on the way, and is offered to nobody any more.
  const ours = fresh && equal((await openSealingKey(newest.published)).account, identity.account.hash);
  const usable = ours && (!theirs || theirs.createdAtMs < newest.createdAtMs);
  const secret = usable ? newest : await newSecret(options, theirs?.createdAtMs ?? 0);
  await relay.publishSealingKey(secret.published);
  return { key: await openSealingKey(secret.published), changed: true };
}

/** Makes a sealing key and keeps its secret before anybody can seal to it. */
async function newSecret(options: PublishOptions, newerThanMs: number): Promise<SealingSecret> {
  const { store, identity, clock, random, relay } = options;
  const createdAtMs = Math.max(dateForRelay(clock, relay), newerThanMs + 1);
  const expiresAtMs = createdAtMs + SEALING_KEY_LIFE_MS;
  const seed = random(32);
  const key = await makeSealingKey(identity.signer, identity.account.hash, seed, { createdAtMs, expiresAtMs });
  const eraseAtMs = expiresAtMs + 2 * relay.session.maxTtlS * 1000 + CLOCK_TOLERANCE_MS;
  const secret = { keyId: key.keyId, seed, published: key.bytes, createdAtMs, expiresAtMs, eraseAtMs };
  await store.write(({ secrets }) => secrets.put(secret));
  return secret;
}

/** Sealing secrets that no mail can need go, and what belongs to an account that this device has left. */
async function beginAs({ store, identity, clock, random }: PublishOptions): Promise<void> {
  await store.write((tables) => {
    tables.secrets.erase(clock.now());
    followAccount(tables, identity.account.hash, random);
  });
}

/** Keeps a list of the own account; what it changes about `before` is told to who reads next. */
async function rememberOwn(
  store: ClientStore,
  bundle: VerifiedBundle,
  before: VerifiedBundle | null,
  { signer }: Identity,
): Promise<void> {
  await store.write((tables) => {
    tables.directory.putBundle(bundle);
    if (before) noteDeviceNews(tables, before, bundle, signer.publicKey);
  });
}
