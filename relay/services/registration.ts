/**
 * Registration: a name with a password record, the list of devices and the first session in one step. It tells who asks
 * that a name is taken, which no protocol can avoid; so it is limited like new accounts.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { foldName, nameSkeleton, readName } from "../../crypto/account_name.ts";
import { equal } from "../../crypto/equal.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { QightError } from "../../proto/errors.ts";
import {
  type RegisterFinishRequest,
  RegisterFinishRequestSchema,
  RegisterStartRequestSchema,
  RegisterStartResponseSchema,
  SessionResponseSchema,
} from "../../proto/gen/qight/v1/login_pb.ts";
import type { CallContext } from "../dispatch.ts";
import { listedDevice } from "../listed_device.ts";
import { admitPeer, sessionAnswer } from "../sessions.ts";
import type { BundleStep, Registered } from "../storage/store.ts";
import { type AccountRoom, ipOf, requireNewcomer, requireOpen } from "./account_room.ts";
import { listChanged } from "./list_changes.ts";
import { bundleRefusal, bundleStep, checkVersion, MOST_DEVICES, openOwnBundle } from "./publishing.ts";

/** RegisterStart: the relay's half of a password record, for a new name or (with a recovery code) the account's own. */
export async function registerStart(room: AccountRoom, call: CallContext): Promise<void> {
  const { name, request, recoverLocator } = await call.requests.only(RegisterStartRequestSchema);
  requireNewcomer(room, call);
  const folded = recoverLocator.length > 0
    ? await nameToRecover(room, call, name, recoverLocator)
    : await newName(room, call, name);
  const { answerRegistration } = await import("../../crypto/opaque.ts");
  const response = await answerRegistration(await room.setup(), folded, request);
  if (recoverLocator.length === 0) room.registering.set(call.peer, folded);
  await call.reply.send(toBinary(RegisterStartResponseSchema, create(RegisterStartResponseSchema, { response })));
}

/** RegisterFinish: name, record, bundle and session, or nothing. */
export async function registerFinish(room: AccountRoom, call: CallContext): Promise<void> {
  const request = await call.requests.only(RegisterFinishRequestSchema);
  requireNewcomer(room, call);
  const folded = foldName(request.name);
  // Each name that is tried went through RegisterStart, and its limit.
  if (room.registering.take(call.peer) !== folded) {
    throw new QightError(
      "bad_frame",
      "The registration of this name was not begun on this connection, or a minute ago",
    );
  }
  const { checkRecord } = await import("../../crypto/opaque.ts");
  await checkRecord(await room.setup(), { name: folded, relay: room.root }, request.record);
  const { account, bundle } = await listOf(room, call, request);
  requireOpen(room, account);
  const session = room.sessions.make(call.peer.device, account);
  if (!session) throw new QightError("no_accounts");
  const named = {
    folded,
    skeleton: nameSkeleton(folded),
    // Shown as it was folded: an "I" for an "l" would make another name look like it.
    name: folded,
    account,
    record: request.record,
    registeredAtMs: room.now(),
  };
  const registered = await room.store.accounts.register(named, bundle, session.stored);
  if (registered.kind !== "registered") throw refusalOf(registered);
  if (bundle) listChanged(room, bundle.put, registered, call.peer);
  room.metrics.login("registered");
  admitPeer(call, session.token);
  const answer = create(SessionResponseSchema, sessionAnswer(session));
  await call.reply.send(toBinary(SessionResponseSchema, answer));
}

async function newName(room: AccountRoom, call: CallContext, written: string): Promise<string> {
  const folded = foldName(written);
  const waitMs = room.limits.takeRegistration(ipOf(call));
  if (waitMs > 0) {
    room.metrics.rateLimited("registrations");
    throw new QightError("rate_limited", "Too many names were asked for from this address", { retryAfterMs: waitMs });
  }
  // Said before anybody chooses a password; what looks alike, and what is held back, the last step finds.
  const taken = await room.store.accounts.named(folded);
  if (!taken) return folded;
  const own = await listedDevice(room.store, call.peer.device);
  if (own && equal(own.account, taken.account)) throw refusalOf({ kind: "has_name", name: folded });
  throw new QightError("name_taken", `The name ${folded} is taken`);
}

async function nameToRecover(
  room: AccountRoom,
  call: CallContext,
  written: string,
  locator: Uint8Array,
): Promise<string> {
  const waitMs = room.limits.takeRecovery(ipOf(call));
  if (waitMs > 0) {
    room.metrics.rateLimited("recovery");
    throw new QightError("rate_limited", "Too many tries with recovery codes from this address", {
      retryAfterMs: waitMs,
    });
  }
  const found = await room.store.accounts.recovery(await sha256(locator));
  if (!found) throw new QightError("code_unknown");
  const named = await room.store.accounts.nameOf(found.account);
  if (named?.folded !== readName(written)) {
    throw new QightError("not_allowed", "This recovery code is of another account", {
      hint: "A code belongs to the name that it was printed for.",
    });
  }
  return named.folded;
}

/** The account that registers: by the list that the call brings, which then is its first, or by the published one. */
async function listOf(
  room: AccountRoom,
  call: CallContext,
  request: RegisterFinishRequest,
): Promise<{ readonly account: Uint8Array; readonly bundle: BundleStep | null }> {
  const device = call.peer.device;
  if (request.bundle.length === 0) {
    const published = await listedDevice(room.store, device);
    if (published) return { account: published.account, bundle: null };
    throw new QightError("not_listed", "No published list of an account names this device");
  }
  const bundle = await openOwnBundle(room, call, request.bundle);
  const stored = await room.store.bundleOfAccount(bundle.account);
  if (stored) {
    const known = await listedDevice(room.store, device);
    if (known && equal(known.account, bundle.account)) return { account: known.account, bundle: null };
    throw new QightError("not_listed", "The account is published here already, and its list does not name this device");
  }
  checkVersion(room, bundle, null);
  if (bundle.devices.length > MOST_DEVICES) throw new QightError("too_many_devices");
  if (!room.limits.takeNewAccount(ipOf(call))) {
    room.metrics.rateLimited("accounts");
    throw new QightError("rate_limited", "Too many new accounts from this address today", { retryAfterMs: 3600_000 });
  }
  return { account: bundle.account, bundle: await bundleStep(room, call, bundle, 0) };
}

function refusalOf(refused: Exclude<Registered, { readonly kind: "registered" }>): QightError {
  switch (refused.kind) {
    case "name_taken":
      return new QightError("name_taken", "This name, or one that looks like it, is taken");
    case "has_name":
      // Sentences travel, hints do not.
      return new QightError(
        "name_taken",
        `This account is called ${refused.name} here already: qight account login ${refused.name} signs this device in`,
      );
    default:
      return bundleRefusal(refused);
  }
}
