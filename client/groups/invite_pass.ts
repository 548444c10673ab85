/**
 * The way into a group for whoever takes an invite, also while all members are away: a join key at the relay, and an
 * external commit with it.
 * @module
 */
import type { GroupPass } from "../../crypto/invite.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { QightError } from "../../proto/errors.ts";
import type { GroupRow } from "../storage/store.ts";
import { isMember } from "./member_row.ts";
import { bringTo } from "./reach.ts";
import { comeIn } from "./rejoin.ts";
import { callsOf, type GroupRoom } from "./room.ts";

/** Registers a fresh join key at the relay for `ttlS` seconds; what it answers goes sealed into an invite. */
export async function makePass(room: GroupRoom, { group, name }: GroupRow, ttlS: number): Promise<GroupPass> {
  const joinKey = room.random(32);
  const { calls } = await callsOf(room);
  await calls.putJoinKey(group, await sha256(joinKey), ttlS);
  return { group, joinKey, name };
}

/** Comes into the group of an invite. `invite_unknown` when its key does not count (any more). */
export async function usePass(room: GroupRoom, { group, joinKey, name }: GroupPass): Promise<void> {
  const row = await room.store.read(({ groups }) => groups.get(room.relay, group));
  if (isMember(row) && await bringTo(room, group) !== "none") return;
  if (await comeIn(room, group, { kind: "key", joinKey })) return;
  throw new QightError("invite_unknown", `The invite to #${name} does not open the group any more`);
}
