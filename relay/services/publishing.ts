/**
 * PublishBundle: the list of an account's devices changes only by somebody who is on it, or whom somebody on it wants
 * (docs/decisions/0008-accounts-and-devices.md, The account key).
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { checkSuccessor, lists, openBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import { equal } from "../../crypto/equal.ts";
import { verifyVoucher } from "../../crypto/voucher.ts";
import { QightError } from "../../proto/errors.ts";
import type { Voucher } from "../../proto/gen/qight/v1/account_pb.ts";
import { PublishBundleRequestSchema, PublishBundleResponseSchema } from "../../proto/gen/qight/v1/directory_pb.ts";
import type { Admission } from "../admission.ts";
import type { CallContext } from "../dispatch.ts";
import type { Limits } from "../limits.ts";
import { listedDevice } from "../listed_device.ts";
import type { Metrics } from "../metrics.ts";
import { admitPeer, type Sessions } from "../sessions.ts";
import type { BundleRefusal, BundleStep, Store } from "../storage/store.ts";
import { FUTURE_TOLERANCE_MS } from "./acceptance.ts";
import { listChanged, type ListRoom, newcomer, noticeTimes } from "./list_changes.ts";

/** Devices of one account; only a recovery goes above, for as long as the lost ones are listed. */
export const MOST_DEVICES = 5;

/** Clients let a voucher be good for ten minutes; none may lie about for long. */
const MOST_VOUCHED_MS = 3600_000;

/** What publishing needs of the relay. */
export interface PublishingRoom extends ListRoom {
  readonly store: Store;
  readonly admission: Admission;
  readonly sessions: Sessions;
  /** Whether names and passwords are what admits (auth.mode = "account"). */
  readonly accountMode: () => boolean;
  readonly limits: Limits;
  readonly metrics: Metrics;
}

/** PublishBundle: compare-and-set of the own account's list. */
export async function publishBundle(room: PublishingRoom, call: CallContext): Promise<void> {
  const refused = newcomer(call);
  const request = await call.requests.only(PublishBundleRequestSchema);
  const bundle = await openOwnBundle(room, call, request.bundle);
  await room.admission.checkAccount(bundle.account);
  const stored = await room.store.bundleOfAccount(bundle.account);
  const known = stored && await openBundle(stored.bundle);
  // By the signed list and by the store's rows: a device that moved away is in the first alone, one that somebody wrote
  // into the database in the second alone.
  const isListed = (device: Uint8Array) => lists(known, device) && stored!.devices.some((row) => equal(row, device));
  const listed = isListed(call.peer.device);
  const same = known !== null && equal(known.hash, bundle.hash);
  // Who lost a race has to hear so, and not that the list goes backwards: the winner's may have any later version.
  if (known && !same && Number(request.expectedVersion) !== known.version) {
    throw bundleRefusal({ kind: "version_conflict" });
  }
  checkSuccessor(known, bundle);
  checkVersion(room, bundle, known);
  if (known && same && listed) {
    // A lost answer, asked for again. It brings no session: else a list could be shown in place of a password.
    if (refused) throw call.peer.session!.refusal!;
    return await answer(call, "");
  }
  checkNumber(bundle, known);
  if (!known) await beginAccount(room, call, bundle.account);
  if (known && (refused || !listed)) {
    const free = !known.devicesOnly && !room.accountMode() && !refused;
    await checkVouched(bundle, request.voucher, { isListed, free, nowMs: room.now() });
    if (room.accountMode()) await checkSignedIn(room, call, bundle.account, request.voucher!.device);
  }
  if (known && bundle.devices.some(({ key }) => !isListed(key))) takeNewDevice(room, bundle.account);
  const { put, expectedVersion, change } = await bundleStep(room, call, bundle, Number(request.expectedVersion));
  const session = listed && !refused ? null : room.sessions.make(call.peer.device, bundle.account);
  // In one step: a device that is listed and has no session would be refused what it was let in for.
  const outcome = await room.store.putBundle(put, expectedVersion, { ...change, session: session?.stored ?? null });
  if (outcome.kind !== "stored") throw bundleRefusal(outcome);
  listChanged(room, put, outcome, call.peer);
  if (listed && !refused) return await answer(call, "");
  const token = session?.token ?? "";
  if (refused) admitPeer(call, token);
  await answer(call, token);
}

function takeNewDevice({ limits, metrics }: PublishingRoom, account: Uint8Array): void {
  const retryAfterMs = limits.takeNewDevice(account);
  if (retryAfterMs === 0) return;
  metrics.rateLimited("devices");
  throw new QightError("rate_limited", "Too many devices came to this account within an hour", { retryAfterMs });
}

/** Opens a bundle that this session publishes: in time, and with its device; throws `bad_bundle`, `not_allowed`. */
export async function openOwnBundle(
  room: Pick<PublishingRoom, "now">,
  call: CallContext,
  bytes: Uint8Array,
): Promise<VerifiedBundle> {
  const bundle = await openBundle(bytes);
  if (bundle.expiresAtMs <= room.now()) {
    throw new QightError("bad_bundle", "The bundle has expired by the relay's clock, or its maker's clock is behind");
  }
  if (!lists(bundle, call.peer.device)) {
    throw new QightError("not_allowed", "The bundle does not list the device of this session");
  }
  return bundle;
}

/**
 * Throws `from_the_future` for a version that leaves no room above it: the list of a thief who takes the last number there
 * is could never be followed by one without the stolen device. Versions are times by custom.
 */
export function checkVersion(
  { now }: Pick<PublishingRoom, "now">,
  { version }: VerifiedBundle,
  known: Pick<VerifiedBundle, "version"> | null,
): void {
  if (version <= Math.max(now() + FUTURE_TOLERANCE_MS, (known?.version ?? 0) + 1)) return;
  throw new QightError(
    "from_the_future",
    "The device list's version is more than 10 minutes ahead of the relay's clock",
  );
}

/** A bundle as the store takes it. The session proved its device, so that one may come from another account. */
export async function bundleStep(
  room: Pick<PublishingRoom, "store" | "now" | "retention">,
  call: CallContext,
  bundle: VerifiedBundle,
  expectedVersion: number,
): Promise<BundleStep> {
  const former = await listedDevice(room.store, call.peer.device);
  return {
    put: {
      account: bundle.account,
      version: bundle.version,
      bundle: bundle.bytes,
      devices: bundle.devices.map(({ key }) => key),
    },
    expectedVersion,
    // Else a device that was revoked, and knows the seed, could begin the account anew once its owner has moved away.
    change: { moving: call.peer.device, keepLeft: former?.devicesOnly ?? false, ...noticeTimes(room) },
  };
}

/** Why the store did not take a bundle. */
export function bundleRefusal({ kind }: BundleRefusal): QightError {
  switch (kind) {
    case "version_conflict":
      return new QightError("version_conflict", "Another device published first");
    case "device_taken":
      return new QightError("not_allowed", "A device of this bundle belongs to another account");
    case "ended":
      return new QightError("account_ended");
  }
}

async function beginAccount(room: PublishingRoom, call: CallContext, account: Uint8Array): Promise<void> {
  if (call.peer.session?.refusal) throw call.peer.session.refusal;
  if (await room.store.accounts.ended(account)) throw new QightError("account_ended");
  // With passwords an account begins by its registration.
  if (room.accountMode()) throw new QightError("login_needed");
  if (room.limits.takeNewAccount(call.peer.connection.peer.hostname)) return;
  room.metrics.rateLimited("accounts");
  throw new QightError("rate_limited", "Too many new accounts from this address today", {
    retryAfterMs: 60 * 60 * 1000,
  });
}

function checkNumber({ devices }: VerifiedBundle, known: VerifiedBundle | null): void {
  if (devices.length <= Math.max(MOST_DEVICES, known?.devices.length ?? 0)) return;
  throw new QightError(
    "too_many_devices",
    `An account has at most ${MOST_DEVICES} devices, this would be the next one`,
  );
}

/** Who is not on the stored list, or not admitted, needs the word of a device that is on it. */
async function checkVouched(
  bundle: VerifiedBundle,
  voucher: Voucher | undefined,
  { isListed, free, nowMs }: {
    readonly isListed: (device: Uint8Array) => boolean;
    /** The account's signatures are enough: nobody was revoked, and no password stands before it. */
    readonly free: boolean;
    readonly nowMs: number;
  },
): Promise<void> {
  if (!voucher) {
    if (free) return;
    throw new QightError("not_listed");
  }
  if (!isListed(voucher.device)) {
    throw new QightError("not_listed", "The device that vouches for this list is not on the account's list itself");
  }
  if (!await verifyVoucher(voucher, bundle)) throw new QightError("bad_signature", "The voucher is not for this list");
  checkTime(Number(voucher.expiresAtMs), nowMs);
}

/** A list that was vouched for and not published in time may be one that nobody wants any more. */
function checkTime(expiresAtMs: number, nowMs: number): void {
  if (expiresAtMs <= nowMs) {
    throw new QightError("code_unknown", "The other device's word for this list came too late: link the device again");
  }
  if (expiresAtMs > nowMs + MOST_VOUCHED_MS) {
    throw new QightError("from_the_future", "A voucher for a list of devices is good for an hour at most");
  }
}

/**
 * With passwords a voucher stands for one, so it has to be of a device that is signed in: signed-out ones, which a thief
 * may have, could vouch for themselves and each other.
 */
async function checkSignedIn(
  room: PublishingRoom,
  call: CallContext,
  account: Uint8Array,
  device: Uint8Array,
): Promise<void> {
  const signedIn = await room.store.accounts.sessionsOf(account, room.now());
  if (!equal(device, call.peer.device) && signedIn.some((session) => equal(session.device, device))) return;
  throw new QightError("not_listed", "The device that vouches for this list is not signed in itself", {
    hint: "Sign in there with qight account login, and link again.",
  });
}

function answer(call: CallContext, sessionToken: string): Promise<void> {
  return call.reply.send(
    toBinary(PublishBundleResponseSchema, create(PublishBundleResponseSchema, { sessionToken })),
  );
}
