/**
 * Groups: to begin one, to come in, to list, to leave. What is said in one goes by Send; what changes it is in commits.ts.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { createHash } from "node:crypto";
import { directGroupId } from "../../crypto/direct_group.ts";
import { equal } from "../../crypto/equal.ts";
import { groupInfoHeader } from "../../crypto/mls/header.ts";
import { QightError } from "../../proto/errors.ts";
import {
  CreateGroupRequestSchema,
  CreateGroupResponseSchema,
  GetGroupRequestSchema,
  GetGroupResponseSchema,
  GetWelcomeRequestSchema,
  GetWelcomeResponseSchema,
  LeaveGroupRequestSchema,
  LeaveGroupResponseSchema,
  ListGroupsRequestSchema,
  ListGroupsResponseSchema,
} from "../../proto/gen/qight/v1/group_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { Pair } from "../storage/store.ts";
import { accountOfCaller, admitGroup, BOUNDS, type GroupRoom, ID_BYTES, takeGroupCall } from "./group_room.ts";
import { notAMember, storageFull } from "./refusals.ts";

/** CreateGroup: the calling device is its only member, at epoch 0. */
export async function createGroup(room: GroupRoom, call: CallContext): Promise<void> {
  const { group, suite, directWith, groupInfo } = await call.requests.only(CreateGroupRequestSchema);
  admitGroup(room, group);
  const account = await accountOfCaller(room, call);
  const direct = directWith.length === 0 ? null : pairOf(group, account, directWith);
  checkGroupInfo(groupInfo, { group, epoch: 0 }, suite);
  takeGroupCall(room, call);
  const { device } = call.peer;
  switch (await room.store.groups.create({ group, suite, device, account, direct, groupInfo }, BOUNDS)) {
    case "exists":
      throw new QightError("group_exists");
    case "too_many":
      throw new QightError("busy", `This device is in ${BOUNDS.maxGroups} groups already`, { retryAfterMs: 60_000 });
    case "storage_full":
      throw storageFull();
  }
  await call.reply.send(toBinary(CreateGroupResponseSchema, create(CreateGroupResponseSchema)));
}

/** GetGroup: for members, for both sides of a direct conversation, and for who shows a join key. */
export async function getGroup(room: GroupRoom, call: CallContext): Promise<void> {
  const { group, joinKey } = await call.requests.only(GetGroupRequestSchema);
  admitGroup(room, group);
  const account = await accountOfCaller(room, call);
  const joinKeyHash = hashOfJoinKey(joinKey);
  const found = await room.store.groups.get(group, { device: call.peer.device, joinKeyHash, nowMs: room.now() });
  if (!found) throw notAMember();
  const { epoch, suite, groupInfo, roster, direct } = found;
  const answer = create(GetGroupResponseSchema, {
    epoch: BigInt(epoch),
    suite,
    groupInfo,
    roster: [...roster],
    ...otherSide(direct, account),
  });
  await call.reply.send(toBinary(GetGroupResponseSchema, answer));
}

/** GetWelcome: the newest one for the own device; an empty answer when none waits. */
export async function getWelcome(room: GroupRoom, call: CallContext): Promise<void> {
  const { group } = await call.requests.only(GetWelcomeRequestSchema);
  admitGroup(room, group);
  const found = await room.store.groups.welcome(group, call.peer.device);
  const answer = create(GetWelcomeResponseSchema, found ? { ...found, epoch: BigInt(found.epoch) } : {});
  await call.reply.send(toBinary(GetWelcomeResponseSchema, answer));
}

/** ListGroups: those whose roster lists the own device. */
export async function listGroups(room: GroupRoom, call: CallContext): Promise<void> {
  await call.requests.only(ListGroupsRequestSchema);
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  const account = await accountOfCaller(room, call);
  const groups = await room.store.groups.list(call.peer.device);
  const answer = create(ListGroupsResponseSchema, {
    groups: groups.map(({ group, epoch, welcome, direct }) => (
      { group, epoch: BigInt(epoch), welcome, ...otherSide(direct, account) }
    )),
  });
  await call.reply.send(toBinary(ListGroupsResponseSchema, answer));
}

/** LeaveGroup: the own device is off the roster; its leaf stays until a member removes it. */
export async function leaveGroup(room: GroupRoom, call: CallContext): Promise<void> {
  const { group } = await call.requests.only(LeaveGroupRequestSchema);
  admitGroup(room, group);
  takeGroupCall(room, call);
  if (!await room.store.groups.leave(group, call.peer.device)) throw notAMember();
  await call.reply.send(toBinary(LeaveGroupResponseSchema, create(LeaveGroupResponseSchema)));
}

/** Throws `bad_group_message` unless this is a GroupInfo of this group, epoch and (when given) suite. */
export function checkGroupInfo(
  groupInfo: Uint8Array,
  of: { readonly group: Uint8Array; readonly epoch: number },
  suite?: number,
): void {
  const header = groupInfoHeader(groupInfo);
  if (!equal(header.group, of.group) || header.epoch !== of.epoch || (suite ?? header.suite) !== header.suite) {
    throw new QightError("bad_group_message", "The GroupInfo is of another group, epoch or cipher suite");
  }
}

/** SHA-256 of a join key that was shown; null without one. Throws `bad_frame` for another length. */
export function hashOfJoinKey(joinKey: Uint8Array): Uint8Array | null {
  if (joinKey.length === 0) return null;
  if (joinKey.length !== ID_BYTES) throw new QightError("bad_frame", "A join key has 32 bytes");
  return createHash("sha256").update(joinKey).digest();
}

/** Only the two accounts can begin their conversation: everybody else computes another id. */
function pairOf(group: Uint8Array, own: Uint8Array, other: Uint8Array): Pair {
  if (other.length !== ID_BYTES) throw new QightError("bad_frame", "An account hash has 32 bytes");
  if (equal(group, directGroupId(own, other))) return [own, other];
  throw new QightError("not_allowed", "This is not the id of a direct conversation between these two accounts");
}

function otherSide(direct: Pair | null, own: Uint8Array): { directWith?: Uint8Array } {
  return direct ? { directWith: equal(direct[0], own) ? direct[1] : direct[0] } : {};
}
