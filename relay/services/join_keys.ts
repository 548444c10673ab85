/**
 * Join keys: by one of these somebody comes into a group while all its members are away. The relay has the hash.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../../proto/errors.ts";
import {
  PutJoinKeyRequestSchema,
  PutJoinKeyResponseSchema,
  RevokeJoinKeyRequestSchema,
  RevokeJoinKeyResponseSchema,
} from "../../proto/gen/qight/v1/group_pb.ts";
import type { CallContext } from "../dispatch.ts";
import { admitGroup, type GroupRoom, ID_BYTES, takeGroupCall } from "./group_room.ts";
import { notAMember } from "./refusals.ts";

/** Join keys of one group that are good at the same time. */
const MAX_JOIN_KEYS = 64;

/** PutJoinKey: good until it expires or a member takes it back, however often it is used. */
export async function putJoinKey(room: GroupRoom, call: CallContext): Promise<void> {
  const { group, keyHash, ttlS } = await call.requests.only(PutJoinKeyRequestSchema);
  admit(room, call, group, keyHash);
  if (ttlS === 0) throw new QightError("bad_frame", "The join key does not say how long it is good for");
  const nowMs = room.now();
  const expiresAtMs = nowMs + Math.min(ttlS * 1000, room.retention().maxTtlMs);
  const { device } = call.peer;
  const put = await room.store.groups.putJoinKey({ group, device, keyHash, nowMs, expiresAtMs, max: MAX_JOIN_KEYS });
  switch (put.kind) {
    case "not_a_member":
      throw notAMember();
    case "not_here":
      throw new QightError("not_allowed", "Nobody else joins a direct conversation");
    case "too_many":
      throw new QightError("busy", `This group has ${MAX_JOIN_KEYS} join keys`, { retryAfterMs: 60_000 });
  }
  const answer = create(PutJoinKeyResponseSchema, { expiresAtMs: BigInt(put.expiresAtMs) });
  await call.reply.send(toBinary(PutJoinKeyResponseSchema, answer));
}

/** RevokeJoinKey: by any member. */
export async function revokeJoinKey(room: GroupRoom, call: CallContext): Promise<void> {
  const { group, keyHash } = await call.requests.only(RevokeJoinKeyRequestSchema);
  admit(room, call, group, keyHash);
  const revoked = await room.store.groups.revokeJoinKey(group, call.peer.device, keyHash);
  if (revoked === null) throw notAMember();
  const answer = create(RevokeJoinKeyResponseSchema, { revoked });
  await call.reply.send(toBinary(RevokeJoinKeyResponseSchema, answer));
}

function admit(room: GroupRoom, call: CallContext, group: Uint8Array, keyHash: Uint8Array): void {
  admitGroup(room, group);
  if (keyHash.length !== ID_BYTES) throw new QightError("bad_frame", "The hash of a join key has 32 bytes");
  takeGroupCall(room, call);
}
