/**
 * The end of an account at this relay: everything of it goes in one step, and its signed end stays for who asks.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { openAccountEnd } from "../../crypto/account_end.ts";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import { DeleteAccountRequestSchema, DeleteAccountResponseSchema } from "../../proto/gen/qight/v1/recovery_pb.ts";
import type { CallContext } from "../dispatch.ts";
import { endSessions } from "../end_sessions.ts";
import { FUTURE_TOLERANCE_MS } from "./acceptance.ts";
import { wake } from "./group_room.ts";
import { noticeTimes } from "./list_changes.ts";
import type { RecoveryRoom } from "./recovery.ts";

/** How long nobody may take the name of an account that is gone. */
const NAME_HELD_MS = 30 * 24 * 3600_000;

/** DeleteAccount: by a listed device, with the account's own fresh word; the same again is the same. */
export async function deleteAccount(room: RecoveryRoom, call: CallContext): Promise<void> {
  const request = await call.requests.only(DeleteAccountRequestSchema);
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  const end = await openAccountEnd(request.end);
  const own = await room.store.bundleOfDevice(call.peer.device);
  const before = own ? null : await room.store.accounts.ended(end.account);
  if (before && equal(before, end.bytes)) return await answer(call);
  if (!own || !equal(own.account, end.account)) {
    throw new QightError("not_allowed", "This device is not of the account that is to end");
  }
  const nowMs = room.now();
  if (end.endedAtMs > nowMs + FUTURE_TOLERANCE_MS) {
    throw new QightError("from_the_future", "The end is dated more than 10 minutes ahead of the relay's clock");
  }
  if (end.endedAtMs < nowMs - FUTURE_TOLERANCE_MS) {
    throw new QightError("expired", "The end is dated more than 10 minutes before the relay's clock");
  }
  const ended = await room.store.accounts.end(end.account, end.bytes, nowMs + NAME_HELD_MS, noticeTimes(room));
  room.audit.record("account.delete", {});
  room.blocks.ended(end.account, ended.dropped);
  const gone = new QightError("account_ended");
  endSessions(room.peers, ended.dropped, gone, call.peer);
  wake(room, ended.notices);
  await answer(call);
  endSessions([call.peer], ended.dropped, gone);
}

function answer(call: CallContext): Promise<void> {
  return call.reply.send(toBinary(DeleteAccountResponseSchema, create(DeleteAccountResponseSchema)));
}
