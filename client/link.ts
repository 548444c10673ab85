/**
 * Linking a device, from both ends: the new one offers itself behind a code, an old one of the account answers with a grant
 * that only the new one opens, and the new one publishes the list that the old one signed
 * (docs/decisions/0008-accounts-and-devices.md, Link).
 * @module
 */
import { type Account, accountFromSeed } from "../crypto/account.ts";
import { type BundleDevice, lists, openBundle, type VerifiedBundle } from "../crypto/bundle.ts";
import { SEED_BYTES, type Signer } from "../crypto/ed25519.ts";
import { equal } from "../crypto/equal.ts";
import {
  LINK_PLACE,
  LINK_SECRET_BYTES,
  type LinkKeys,
  linkKeys,
  type MadeOffer,
  makeAnswer,
  makeDone,
  makeOffer,
  openAnswer,
  openDone,
  openOffer,
} from "../crypto/link.ts";
import { type BundleVoucher, signVoucher, verifyVoucher } from "../crypto/voucher.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import type { LinkGrant, LinkOffer } from "../proto/gen/qight/v1/link_pb.ts";
import { RendezvousService } from "../proto/gen/qight/v1/rendezvous_pb.ts";
import type { Clock, Random } from "./clock.ts";
import { dateForRelay } from "./clock_check.ts";
import { freeDeviceName } from "./device_name.ts";
import type { Identity } from "./identity.ts";
import { MAX_ACCOUNT_DEVICES, signList, tooManyDevices } from "./publish.ts";
import type { RelaySource } from "./reconnect.ts";
import type { RelayClient } from "./relay_client.ts";

const method = RendezvousService.method;
/** Longest wait of one call, milliseconds. */
const WAIT_MS = 60_000;

/** So long may the new device take to publish, milliseconds: as long as it has to answer. */
const VOUCHED_MS = 10 * 60_000;

/** Where both ends meet. */
export interface LinkRoom {
  /** Sessions with the relay; a lost one is replaced while somebody waits. */
  readonly source: RelaySource;
  readonly signal?: AbortSignal;
}

/** A device that offers itself. */
export interface OfferedLink {
  /** What the code says, 16 bytes. */
  readonly secret: Uint8Array;
  readonly keys: LinkKeys;
  readonly made: MadeOffer;
  /** By the relay's clock, milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** The new device: leaves its offer at the relay, where it lies for ten minutes. `name`: how it would be called. */
export async function offerLink(
  { source, signal }: LinkRoom,
  { signer, name, random }: { readonly signer: Signer; readonly name: string; readonly random: Random },
): Promise<OfferedLink> {
  const secret = random(LINK_SECRET_BYTES);
  const keys = linkKeys(secret);
  const made = await makeOffer(keys, signer, name, random(32));
  const relay = await source.client(signal);
  const request = { locator: keys.locator, place: LINK_PLACE.offer, record: made.record };
  const { expiresAtMs } = await relay.rpc.unary(method.putRendezvous, request);
  return { secret, keys, made, expiresAtMs: Number(expiresAtMs) };
}

/** What an old device gave, checked: everything in it is of one account, and of the device that gave it. */
export interface LinkedAccount {
  readonly account: Account;
  readonly accountSeed: Uint8Array;
  /** Device key of who gave it, 32 bytes. */
  readonly by: Uint8Array;
  /** Lists this device; to be published by it. */
  readonly bundle: VerifiedBundle;
  readonly expectedVersion: number;
  readonly voucher: BundleVoucher;
  /** History follows. */
  readonly history: boolean;
}

/** The new device: waits for the answer. `timeout` when nobody used the code in time, `cannot_open` for a false answer. */
export async function awaitGrant(room: LinkRoom, { keys, made }: OfferedLink): Promise<LinkedAccount> {
  const record = await take(room, keys, LINK_PLACE.answer).catch(orNobodyCame);
  const { by, grant } = await openAnswer(keys, made, record);
  return await checked(grant, by, made.device);
}

/**
 * The new device: becomes one of the account, in its own session. Answers the session token of a relay with passwords, else
 * "". `version_conflict` when the list changed meanwhile; sent again after a lost session it is the same.
 */
export async function publishGrant({ source, signal }: LinkRoom, linked: LinkedAccount): Promise<string> {
  const { bundle, expectedVersion, voucher } = linked;
  return await overSessions({ source, ...(signal ? { signal } : {}) }, (relay) => {
    return relay.publishBundle(bundle.bytes, expectedVersion, { voucher });
  });
}

/** The new device: says how it went; `problem` is for people, and empty when it is on the list. */
export async function reportDone({ source, signal }: LinkRoom, { keys }: OfferedLink, problem: string): Promise<void> {
  const relay = await source.client(signal);
  const record = makeDone(keys, { published: problem === "", problem });
  await relay.rpc.unary(method.putRendezvous, { locator: keys.locator, place: LINK_PLACE.done, record });
}

/** What an old device sees behind a code. */
export interface SeenOffer {
  readonly keys: LinkKeys;
  readonly offer: LinkOffer;
}

/** The old device: what lies behind the code. `code_unknown` for one that is over, was used, or never was. */
export async function lookAtOffer({ source, signal }: LinkRoom, secret: Uint8Array): Promise<SeenOffer> {
  const keys = linkKeys(secret);
  const relay = await source.client(signal);
  const request = { locator: keys.locator, place: LINK_PLACE.offer, waitMs: 0 };
  const { record } = await relay.rpc.unary(method.takeRendezvous, request);
  if (record.length === 0) throw new QightError("code_unknown");
  const offer = await openOffer(keys, record);
  // It stands beside the fingerprint that people compare: a name with lines of its own could show another one there.
  return { keys, offer: { ...offer, name: freeDeviceName([], offer.name) } };
}

/** Throws `too_many_devices` when no device can be added to a list, and `usage` when this one (key) is on it. */
export function checkRoomFor(bundle: VerifiedBundle, device?: Uint8Array): void {
  if (device && lists(bundle, device)) {
    throw new QightError("usage", "That device is one of yours already", { hint: "See qight device list." });
  }
  if (bundle.devices.length >= MAX_ACCOUNT_DEVICES) throw tooManyDevices(bundle);
}

/** How the old device answers. */
export interface Approval {
  readonly identity: Identity;
  readonly accountSeed: Uint8Array;
  /** The account's list as the relay has it now. */
  readonly current: VerifiedBundle;
  readonly history: boolean;
  readonly clock: Pick<Clock, "now">;
}

/**
 * The old device: signs the list with the new device, stands for it, and gives both to that device alone. Answers how the
 * list calls it. `code_unknown` when somebody else has answered.
 */
export async function approveLink(
  room: LinkRoom,
  { keys, offer }: SeenOffer,
  approval: Approval,
): Promise<BundleDevice> {
  const { identity, accountSeed, current, history, clock } = approval;
  checkRoomFor(current, offer.device);
  const relay = await room.source.client(room.signal);
  const nowMs = dateForRelay(clock, relay);
  const device = { key: offer.device, name: freeDeviceName(current.devices, offer.name), addedAtMs: nowMs };
  const bundle = await signList(identity, current, { devices: [...current.devices, device] }, nowMs);
  const { signature, expiresAtMs } = await signVoucher(identity.signer, bundle, relay.relayNowMs() + VOUCHED_MS);
  const record = await makeAnswer(keys, offer, identity.signer, {
    accountSeed,
    bundle: bundle.bytes,
    expectedVersion: BigInt(current.version),
    voucher: { $typeName: "qight.v1.Voucher", device: identity.signer.publicKey, signature, expiresAtMs },
    history,
  });
  await overSessions(room, (relay) => {
    return relay.rpc.unary(method.putRendezvous, { locator: keys.locator, place: LINK_PLACE.answer, record });
  });
  return device;
}

/**
 * The old device: waits until the new one has published, and answers the list as the relay has it then. `version_conflict`
 * when the new one could not, `timeout` when it said nothing in time.
 */
export async function awaitDone(
  room: LinkRoom,
  { keys, offer }: SeenOffer,
  account: Uint8Array,
): Promise<VerifiedBundle> {
  const done = openDone(keys, await take(room, keys, LINK_PLACE.done).catch(orNobodyCame));
  if (!done.published) {
    throw new QightError("version_conflict", `The new device could not come onto the list: ${done.problem}`, ANEW);
  }
  // The relay's list counts, not what was said about it.
  const stored = await overSessions(room, (relay) => relay.getBundle({ account }));
  const bundle = stored && await openBundle(stored);
  if (bundle && equal(bundle.account, account) && lists(bundle, offer.device)) return bundle;
  throw new QightError("bad_bundle", "The relay does not list the new device, though that one says so", ANEW);
}

const ANEW = { hint: "Begin anew on the new device: qight device link." };

async function checked(grant: LinkGrant, by: Uint8Array, own: Uint8Array): Promise<LinkedAccount> {
  const { accountSeed, voucher, expectedVersion, history } = grant;
  if (accountSeed.length !== SEED_BYTES || !voucher) throw unfit();
  const account = await accountFromSeed(accountSeed);
  const bundle = await openBundle(grant.bundle);
  const fits = equal(bundle.account, account.hash) && lists(bundle, own) && lists(bundle, by) &&
    equal(voucher.device, by) && await verifyVoucher(voucher, bundle);
  if (!fits) throw unfit();
  return { account, accountSeed, by, bundle, voucher, expectedVersion: Number(expectedVersion), history };
}

function unfit(): QightError {
  return new QightError("cannot_open", "What the other device gave does not fit together", ANEW);
}

/** What is at a place, waited for until the meeting ends. */
function take(room: LinkRoom, { locator }: LinkKeys, place: number): Promise<Uint8Array> {
  const options = room.signal ? { signal: room.signal } : {};
  return overSessions(room, async (relay) => {
    for (;;) {
      const { record } = await relay.rpc.unary(method.takeRendezvous, { locator, place, waitMs: WAIT_MS }, options);
      if (record.length > 0) return record;
    }
  });
}

/** Runs a call that may be repeated; a session that is lost under it is replaced. */
async function overSessions<T>({ source, signal }: LinkRoom, call: (relay: RelayClient) => Promise<T>): Promise<T> {
  for (;;) {
    const relay = await source.client(signal);
    try {
      return await call(relay);
    } catch (thrown) {
      signal?.throwIfAborted();
      const { code } = asQightError(thrown);
      if (code !== "unreachable" && code !== "draining") throw thrown;
      // A relay that stops has forgotten the meeting when it is back, and says so then.
      relay.close();
      await relay.closed;
    }
  }
}

function orNobodyCame(thrown: unknown): never {
  const error = asQightError(thrown);
  if (error.code !== "code_unknown") throw thrown;
  throw new QightError("timeout", "The code is over: the other device did not come within ten minutes", {
    cause: thrown,
    ...ANEW,
  });
}
