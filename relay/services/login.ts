/**
 * Signing in and out: OPAQUE in two steps, then a session for a device that the account lists. A password alone admits no
 * device. Names that nobody has cost the same and are answered alike.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { readName } from "../../crypto/account_name.ts";
import { lists } from "../../crypto/bundle.ts";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import {
  LoginFinishRequestSchema,
  LoginStartRequestSchema,
  LoginStartResponseSchema,
  LogoutRequestSchema,
  LogoutResponseSchema,
  SessionResponseSchema,
} from "../../proto/gen/qight/v1/login_pb.ts";
import type { CallContext } from "../dispatch.ts";
import { endSessions } from "../end_sessions.ts";
import { listedDevice } from "../listed_device.ts";
import { admitPeer } from "../sessions.ts";
import {
  type AccountRoom,
  ipOf,
  type LoginUnderWay,
  requireAccounts,
  requireNewcomer,
  requireOpen,
} from "./account_room.ts";

/** LoginStart: counts a try, and answers a KE1 whether the name is known or not. */
export async function loginStart(room: AccountRoom, call: CallContext): Promise<void> {
  const { name, request } = await call.requests.only(LoginStartRequestSchema);
  requireNewcomer(room, call);
  const parties = { name: readName(name), relay: room.root };
  const { store, limits } = room;
  const [named, own] = await Promise.all([
    store.accounts.named(parties.name),
    store.bundleOfDevice(call.peer.device),
  ]);
  // A device of the account itself is counted alone: strangers who guess must not keep its owner out.
  const isOwn = named !== null && own !== null && equal(named.account, own.account);
  const tries = isOwn ? `${parties.name} ${call.peer.mailbox}` : parties.name;
  const waitMs = limits.takeLogin(ipOf(call), tries);
  if (waitMs > 0) {
    room.metrics.login("limited");
    room.metrics.rateLimited("logins");
    room.turnedAway(ipOf(call), "too_many_logins");
    throw new QightError("wrong_password", `Too many tries: wait ${duration(waitMs)}`, {
      retryAfterMs: waitMs,
      hint: "Waiting is all that helps; further tries do not make it longer.",
    });
  }
  const { answerLogin } = await import("../../crypto/opaque.ts");
  const { state, response } = await answerLogin(await room.setup(), parties, named?.record ?? null, request);
  const login = room.logins.put(call.peer, { parties, state, named, tries });
  room.metrics.login("started");
  const retryAfterMs = limits.loginWait(ipOf(call), tries);
  const answer = create(LoginStartResponseSchema, { login, response, retryAfterMs });
  await call.reply.send(toBinary(LoginStartResponseSchema, answer));
}

/** LoginFinish: a session, for a listed device that proved the password; each state is taken once. */
export async function loginFinish(room: AccountRoom, call: CallContext): Promise<void> {
  const { login, finish } = await call.requests.only(LoginFinishRequestSchema);
  requireNewcomer(room, call);
  const underWay = room.logins.take(call.peer, login);
  if (!underWay) {
    room.metrics.login("stale");
    throw new QightError(
      "wrong_password",
      "This login was used, is more than a minute old, or was begun on another connection",
      { hint: "Begin again." },
    );
  }
  const account = await provenAccount(room, underWay, finish);
  if (!account) {
    room.metrics.login("wrong_password");
    room.turnedAway(ipOf(call), "wrong_password");
    const waitMs = room.limits.loginWait(ipOf(call), underWay.tries);
    throw new QightError(
      "wrong_password",
      waitMs > 0 ? `Wrong name or password: wait ${duration(waitMs)}` : undefined,
      {
        ...(waitMs > 0 ? { retryAfterMs: waitMs } : {}),
      },
    );
  }
  room.limits.loginDone(underWay.tries);
  requireOpen(room, account);
  const listed = await listedDevice(room.store, call.peer.device);
  if (!listed || !equal(listed.account, account)) {
    room.metrics.login("not_listed");
    throw new QightError("not_listed", "The password is right, but it alone admits no device", {
      hint: "Link this device from another one with qight device link, or use qight account recover.",
    });
  }
  const issued = await room.sessions.issue(call.peer.device, account);
  room.metrics.login("ok");
  room.recent.set(call.peer, { account });
  admitPeer(call, issued.sessionToken);
  await call.reply.send(toBinary(SessionResponseSchema, create(SessionResponseSchema, issued)));
}

/** Logout: of this device, or of another one of the account. */
export async function logout(room: AccountRoom, call: CallContext): Promise<void> {
  const { device } = await call.requests.only(LogoutRequestSchema);
  requireAccounts(room);
  const own = await listedDevice(room.store, call.peer.device);
  if (!own) throw new QightError("not_listed");
  const leaving = device.length === 0 ? call.peer.device : device;
  if (!lists(own, leaving)) throw new QightError("no_such_device");
  await room.store.accounts.endSession(own.account, leaving);
  const reason = new QightError("login_needed", "This device was signed out");
  endSessions(room.peers, [leaving], reason, call.peer);
  await call.reply.send(toBinary(LogoutResponseSchema, create(LogoutResponseSchema)));
  const { session } = call.peer;
  if (session && equal(leaving, call.peer.device)) call.peer.session = { ...session, refusal: reason };
}

/** The account whose password was proven; null when it was not, or when name and record are others by now. */
async function provenAccount(room: AccountRoom, underWay: LoginUnderWay, finish: string): Promise<Uint8Array | null> {
  const { loginIsProven } = await import("../../crypto/opaque.ts");
  const proven = await loginIsProven(underWay.state, underWay.parties, finish);
  const now = await room.store.accounts.named(underWay.parties.name);
  const before = underWay.named;
  // A password that was changed in between is the wrong one.
  const holds = before !== null && now !== null && now.record === before.record && equal(now.account, before.account);
  return proven && holds ? before.account : null;
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
}
