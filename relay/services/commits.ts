/**
 * Commits: one an epoch, for all members in the same order. The relay checks what stands in clear and what the roster may
 * say; whether a commit is any good only members can tell, and they report one that is not.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { createHash } from "node:crypto";
import { equal } from "../../crypto/equal.ts";
import { commitHeader, welcomeSuite } from "../../crypto/mls/header.ts";
import { QightError } from "../../proto/errors.ts";
import {
  type CommitRequest,
  CommitRequestSchema,
  CommitResponseSchema,
  GetCommitsRequestSchema,
  GetCommitsResponseSchema,
  ReportCommitRequestSchema,
  ReportCommitResponseSchema,
} from "../../proto/gen/qight/v1/group_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { Committed } from "../storage/store.ts";
import {
  accountOfCaller,
  admitGroup,
  BOUNDS,
  type GroupRoom,
  ID_BYTES,
  limited,
  MAX_ROSTER,
  takeGroupCall,
  wake,
} from "./group_room.ts";
import { checkGroupInfo, hashOfJoinKey } from "./groups.ts";
import { notAMember, staleEpoch, storageFull } from "./refusals.ts";

const DAY_MS = 24 * 3600_000;
/** How long a commit can be asked for. */
const LOG_MS = 30 * DAY_MS;
/** How long a Welcome waits: as long as the KeyPackage that it answers may live. */
const WELCOME_MS = 90 * DAY_MS;
/** One page of a log: enough to keep a stream busy. */
const PAGE_COMMITS = 64;
const PAGE_BYTES = 1024 * 1024;

/** Commit: compare-and-set on the epoch. */
export async function commit(room: GroupRoom, call: CallContext): Promise<void> {
  const request = await call.requests.only(CommitRequestSchema);
  const { group, welcome, groupInfo } = request;
  admitGroup(room, group);
  const { device } = call.peer;
  const epoch = epochOf(request.epoch);
  const external = checkCommit(request, epoch, device);
  await accountOfCaller(room, call);
  const bytes = request.commit.length + welcome.length + groupInfo.length;
  limited(room, "commits", room.limits.takeCommit(device, bytes), "Too many commits and messages of this device");
  await waitForTurn(room, group, device);
  const acceptedAtMs = room.now();
  const outcome = await room.store.groups.commit({
    group,
    epoch,
    device,
    commit: request.commit,
    commitHash: createHash("sha256").update(request.commit).digest(),
    external,
    joinKeyHash: hashOfJoinKey(request.joinKey),
    welcome: welcome.length > 0 ? welcome : null,
    welcomed: request.welcomed,
    groupInfo,
    roster: request.roster,
    acceptedAtMs,
    logUntilMs: acceptedAtMs + LOG_MS,
    welcomeUntilMs: acceptedAtMs + WELCOME_MS,
    noticeUntilMs: acceptedAtMs + room.retention().maxTtlMs,
  }, BOUNDS);
  room.metrics.commit(outcome.kind);
  if (outcome.kind !== "accepted") throw refusal(outcome);
  room.limits.committed(group);
  wake(room, outcome.notices);
  const answer = create(CommitResponseSchema, { epoch: BigInt(outcome.epoch) });
  await call.reply.send(toBinary(CommitResponseSchema, answer));
}

/** Only members are told: else the answer would give away that there is such a group. */
async function waitForTurn(room: GroupRoom, group: Uint8Array, device: Uint8Array): Promise<void> {
  const waitMs = room.limits.commitWait(group);
  if (waitMs === 0 || !await room.store.groups.others(group, device)) return;
  limited(room, "commits", waitMs, "This group changes too often");
}

/** GetCommits: the log from an epoch on, and where the group is. */
export async function getCommits(room: GroupRoom, call: CallContext): Promise<void> {
  const { group, fromEpoch, max } = await call.requests.only(GetCommitsRequestSchema);
  admitGroup(room, group);
  const { device } = call.peer;
  let next = epochOf(fromEpoch);
  let left = max || Infinity;
  const most = () => Math.min(PAGE_COMMITS, left);
  let page = await room.store.groups.commits(group, device, next, most(), PAGE_BYTES);
  if (!page) throw notAMember();
  // Who asks from an epoch on is in it.
  if (page.welcome !== null && page.welcome <= next) await room.store.groups.welcomed(group, device, next);
  while (page.commits.length > 0) {
    const messages = page.commits.map(({ epoch, device, commit, acceptedAtMs }) =>
      toBinary(
        GetCommitsResponseSchema,
        create(GetCommitsResponseSchema, {
          kind: {
            case: "commit",
            value: { epoch: BigInt(epoch), device, commit, acceptedAtMs: BigInt(acceptedAtMs) },
          },
        }),
      )
    );
    await call.reply.send(...messages);
    left -= page.commits.length;
    next += page.commits.length;
    if (left === 0 || next >= page.epoch) break;
    const following = await room.store.groups.commits(group, device, next, most(), PAGE_BYTES);
    if (!following) throw notAMember();
    page = following;
  }
  const value = { epoch: BigInt(page.epoch), oldest: BigInt(page.oldest) };
  const end = create(GetCommitsResponseSchema, { kind: { case: "end", value } });
  await call.reply.send(toBinary(GetCommitsResponseSchema, end));
  await call.reply.end();
}

/** ReportCommit: the newest commit does not fit; enough of such words take it back. */
export async function reportCommit(room: GroupRoom, call: CallContext): Promise<void> {
  const { group, epoch, commitHash } = await call.requests.only(ReportCommitRequestSchema);
  admitGroup(room, group);
  if (commitHash.length !== ID_BYTES) throw new QightError("bad_frame", "The hash of a commit has 32 bytes");
  takeGroupCall(room, call);
  const nowMs = room.now();
  const reported = await room.store.groups.report({
    group,
    device: call.peer.device,
    epoch: epochOf(epoch),
    commitHash,
    nowMs,
    noticeUntilMs: nowMs + room.retention().maxTtlMs,
  });
  if (!reported) throw notAMember();
  wake(room, reported.notices);
  const answer = create(ReportCommitResponseSchema, { reopened: reported.reopened });
  await call.reply.send(toBinary(ReportCommitResponseSchema, answer));
}

/** What the bytes alone tell; answers whether the device joins by this commit. */
function checkCommit(request: CommitRequest, epoch: number, device: Uint8Array): boolean {
  const header = commitHeader(request.commit);
  if (!equal(header.group, request.group) || header.epoch !== epoch) {
    throw new QightError("bad_group_message", "The commit is of another group or epoch than the call says");
  }
  checkGroupInfo(request.groupInfo, { group: request.group, epoch: epoch + 1 });
  if (request.welcome.length > 0) welcomeSuite(request.welcome);
  if ((request.welcome.length > 0) !== (request.welcomed.length > 0)) {
    throw new QightError("bad_group_message", "A Welcome names the devices that it is for, and comes with them");
  }
  const roster = keysOf(request.roster, "roster");
  const own = device.toHex();
  if (!roster.has(own)) throw new QightError("bad_group_message", "The roster leaves out the device that commits");
  const welcomed = keysOf(request.welcomed, "list of welcomed devices");
  if (welcomed.has(own) || [...welcomed].some((key) => !roster.has(key))) {
    throw new QightError("bad_group_message", "A Welcome is for other devices of the roster");
  }
  return header.external;
}

function keysOf(devices: readonly Uint8Array[], what: string): Set<string> {
  if (devices.length > MAX_ROSTER) {
    throw new QightError("message_too_large", `A group has at most ${MAX_ROSTER} devices`);
  }
  if (devices.some(({ length }) => length !== ID_BYTES)) {
    throw new QightError("bad_frame", `A device key of the ${what} does not have 32 bytes`);
  }
  const keys = new Set(devices.map((key) => key.toHex()));
  if (keys.size < devices.length) throw new QightError("bad_group_message", `The ${what} names a device twice`);
  return keys;
}

function epochOf(epoch: bigint): number {
  if (epoch < BigInt(Number.MAX_SAFE_INTEGER)) return Number(epoch);
  throw new QightError("bad_frame", "No group comes to such an epoch");
}

function refusal(outcome: Exclude<Committed, { kind: "accepted" }>): QightError {
  switch (outcome.kind) {
    case "not_a_member":
      return notAMember();
    case "stale_epoch":
      return staleEpoch(outcome.epoch);
    case "no_such_recipient":
      return new QightError("no_such_recipient", "A device that the commit adds has no mailbox here");
    case "refused":
      return new QightError("bad_group_message", outcome.why);
    case "too_many":
      return new QightError("busy", `A device that the commit adds is in ${BOUNDS.maxGroups} groups already`, {
        retryAfterMs: 60_000,
      });
    case "storage_full":
      return storageFull();
  }
}
