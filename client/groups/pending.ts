/**
 * Own commits between being made and being accepted: kept with their bytes, sent again unchanged, and taken for the
 * group's state when the relay has them.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { equal } from "../../crypto/equal.ts";
import type { GroupState } from "../../crypto/mls/state.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { asQightError, type QightError } from "../../proto/errors.ts";
import { CommitRequestSchema } from "../../proto/gen/qight/v1/group_pb.ts";
import type { NewCommit } from "../group_calls.ts";
import type { PendingCommit, Tables } from "../storage/store.ts";
import { eventOf, keepEvents, readHappenings, untold } from "./events.ts";
import { callsOf, type GroupRoom } from "./room.ts";
import { localName } from "./rows.ts";

/** What the relay said to an own commit: it is the one of its epoch, or another one is. */
export type Fate = "accepted" | "beaten";

/** The bytes of a commit call as they are kept. */
export function writeRequest({ welcome, joinKey, epoch, welcomed, roster, ...rest }: NewCommit): Uint8Array {
  const request = create(CommitRequestSchema, {
    ...rest,
    epoch: BigInt(epoch),
    welcomed: [...welcomed],
    roster: [...roster],
    ...(welcome ? { welcome } : {}),
    ...(joinKey ? { joinKey } : {}),
  });
  return toBinary(CommitRequestSchema, request);
}

/** Sends a kept commit, again or for the first time, and takes its state when it is accepted. */
export async function offer(room: GroupRoom, pending: PendingCommit, state?: GroupState): Promise<Fate> {
  const { calls } = await callsOf(room);
  try {
    await calls.commit(readRequest(pending.request));
  } catch (thrown) {
    const error = asQightError(thrown);
    if (error.code !== "stale_epoch") {
      if (isCertain(error)) await drop(room, pending);
      throw error;
    }
    // It may be this very one that ended the epoch: the answer to an earlier try was lost.
    if (!await isInLog(room, pending)) {
      await drop(room, pending);
      return "beaten";
    }
  }
  await room.store.write((tables) => adopt(room, tables, pending, state));
  return "accepted";
}

/**
 * Asks after all commits of this group whose fate is not known; true when one of them was accepted. What the relay does
 * not take just now, or not any more, must not keep anybody from reading.
 */
export async function settlePending(room: GroupRoom, group: Uint8Array): Promise<boolean> {
  const all = await room.store.read(({ groups }) => groups.pending(room.relay, group));
  let accepted = false;
  for (const pending of all) {
    try {
      accepted = await offer(room, pending) === "accepted" || accepted;
    } catch (thrown) {
      const error = asQightError(thrown);
      if (!isCertain(error) && error.exit !== LATER) throw error;
    }
  }
  return accepted;
}

/** Exit code of what may do in a moment: rate limits, a relay that drains or is full. */
const LATER = 75;

/**
 * Inside a transaction: an own commit was accepted, its state is the group's. Another process may have found out before:
 * then the commit is not pending any more, and nothing changes.
 */
export async function adopt(
  { states, clock, onOwnChange }: Pick<GroupRoom, "states" | "clock" | "onOwnChange">,
  tables: Tables,
  { relay, group, hash, next, parts, events }: PendingCommit,
  state?: GroupState,
): Promise<boolean> {
  const { groups } = tables;
  if (!groups.pending(relay, group).some((one) => equal(one.hash, hash))) return false;
  const row = { ...next, name: localName(groups, next) };
  if (state) await states.save(tables, row, state);
  else states.saveParts(tables, row, parts);
  const all = readHappenings(events);
  const happened = untold(all, groups.saidLeft(relay, group));
  for (const one of all) {
    if (one.kind === "member_added" || one.kind === "member_removed") groups.dropLeaver(relay, group, one.account);
  }
  keepEvents(tables, row, clock.now(), happened);
  if (onOwnChange && happened.length > 0) {
    const kept = groups.events(relay).slice(-happened.length);
    onOwnChange(tables, kept.map((event) => eventOf(event, groups.get(relay, group))));
  }
  groups.dropPending(relay, group, hash);
  groups.dropPendingBelow(relay, group, next.epoch);
  return true;
}

async function isInLog(room: GroupRoom, { group, epoch, hash }: PendingCommit): Promise<boolean> {
  const { calls } = await callsOf(room);
  try {
    for await (const entry of calls.commits(group, epoch, 1)) {
      if (entry.kind === "commit") return entry.epoch === epoch && equal(await sha256(entry.commit), hash);
    }
    return false;
  } catch (thrown) {
    if (asQightError(thrown).code === "not_a_member") return false;
    throw thrown;
  }
}

async function drop({ store }: GroupRoom, { relay, group, hash }: PendingCommit): Promise<void> {
  await store.write(({ groups }) => groups.dropPending(relay, group, hash));
}

/** Whether the relay did not and will not take these bytes. Anything else may pass, or leaves open what it did. */
function isCertain({ code, exit }: QightError): boolean {
  return code !== "bad_frame" && [64, 65, 67, 77].includes(exit);
}

function readRequest(bytes: Uint8Array): NewCommit {
  const { group, epoch, commit, welcome, welcomed, groupInfo, roster, joinKey } = fromBinary(
    CommitRequestSchema,
    bytes,
  );
  return {
    ...{ group, epoch: Number(epoch), commit, welcomed, groupInfo, roster },
    welcome: welcome.length > 0 ? welcome : null,
    ...(joinKey.length > 0 ? { joinKey } : {}),
  };
}
