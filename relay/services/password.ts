/**
 * A new password: for who signed in on this very connection a moment ago. All other devices have to sign in again.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import { ChangePasswordRequestSchema, ChangePasswordResponseSchema } from "../../proto/gen/qight/v1/login_pb.ts";
import type { CallContext } from "../dispatch.ts";
import { endSessions } from "../end_sessions.ts";
import { listedDevice } from "../listed_device.ts";
import { type AccountRoom, requireAccounts } from "./account_room.ts";

/** How long a login is good for changing the password, in milliseconds. */
export const RECENT_LOGIN_MS = 5 * 60_000;

/** ChangePassword: first a RegistrationRequest, then the record; the login counts for one change. */
export async function changePassword(room: AccountRoom, call: CallContext): Promise<void> {
  const { step } = await call.requests.only(ChangePasswordRequestSchema);
  requireAccounts(room);
  const account = room.recent.get(call.peer)?.account;
  const listed = await listedDevice(room.store, call.peer.device);
  if (!account || !listed || !equal(listed.account, account)) {
    throw new QightError("login_needed", "A new password needs a login with the present one, on the same connection", {
      hint: "qight account passwd asks for the present password first.",
    });
  }
  const named = await room.store.accounts.nameOf(account);
  if (!named) throw new QightError("login_needed");
  const { answerRegistration, checkRecord } = await import("../../crypto/opaque.ts");
  let response = "";
  switch (step.case) {
    case "request":
      response = await answerRegistration(await room.setup(), named.folded, step.value);
      break;
    case "record":
      await checkRecord(await room.setup(), { name: named.folded, relay: room.root }, step.value);
      room.recent.take(call.peer);
      await room.store.accounts.setRecord(account, step.value, call.peer.device);
      room.metrics.login("password_changed");
      signOutOthers(room, call, listed.devices.map(({ key }) => key));
      break;
    default:
      throw new QightError("bad_frame", "The call brings neither request nor record");
  }
  const answer = create(ChangePasswordResponseSchema, { response });
  await call.reply.send(toBinary(ChangePasswordResponseSchema, answer));
}

function signOutOthers(room: AccountRoom, call: CallContext, devices: readonly Uint8Array[]): void {
  const others = devices.filter((key) => !equal(key, call.peer.device));
  endSessions(room.peers, others, new QightError("login_needed", "The password was changed on another device"));
}
