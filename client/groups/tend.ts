/**
 * What the relay tells of groups by itself: notices in the mailbox, and its list of the own groups when the mailbox is
 * drained.
 * @module
 */
import { asQightError, type QightError } from "../../proto/errors.ts";
import type { GroupHint } from "../delivery_events.ts";
import type { OwnGroup } from "../group_calls.ts";
import type { GroupRow } from "../storage/store.ts";
import { noteMembers } from "./devices.ts";
import { takeWelcome } from "./join.ts";
import { lookAgain } from "./key_packages.ts";
import { noteUndone } from "./leave.ts";
import { isMember } from "./member_row.ts";
import { bringTo, comeBack } from "./reach.ts";
import { callsOf, type GroupRoom } from "./room.ts";

/** Follows a notice, in its place among the messages; then it may be acknowledged. */
export async function followNotice(room: GroupRoom, { group, kind, epoch }: GroupHint): Promise<void> {
  // The next look is at once, not in an hour.
  if (kind === "key_packages") return await room.store.write(lookAgain);
  const row = await room.store.read(({ groups }) => groups.get(room.relay, group));
  if (kind === "members") {
    // Followed when the mailbox is drained (`tendDevices`): a link or a revocation brings one for each conversation.
    if (isMember(row)) await room.store.write((tables) => noteMembers(tables, room, group));
    return;
  }
  if (isMember(row)) {
    // An epoch that was taken back is below the one here: only the whole log shows it.
    const reached = await bringTo(room, group, kind === "commit" || kind === "welcome" ? epoch : Infinity);
    if (kind === "reopened" && reached === "there") await noteUndone(room, group);
  } else if (kind === "welcome") await takeWelcome(room, group);
  // A commit that nobody else accepted had removed this device.
  else if (kind === "reopened" && row?.status === "removed") await comeBack(room, group, "reopened");
}

/**
 * Compares the groups here with the relay's list, for what notices did not say: a full mailbox leaves them out. To be
 * called when the mailbox is drained, or messages of earlier epochs could not be opened any more. Answers what went wrong
 * with single groups.
 */
export async function compareGroups(room: GroupRoom): Promise<QightError[]> {
  const listed = await list(room);
  if (listed === null) return [];
  const errors: QightError[] = [];
  const attempt = async (run: () => Promise<unknown>) => {
    try {
      await run();
    } catch (thrown) {
      const error = asQightError(thrown);
      if (!ONE_GROUP.includes(error.exit)) throw error;
      errors.push(error);
    }
  };
  const rows = await room.store.read(({ groups }) => groups.all().filter(({ relay }) => relay === room.relay));
  const rowOf = (group: Uint8Array) => rows.find((row) => row.group.toHex() === group.toHex()) ?? null;
  for (const own of listed) await attempt(() => compare(room, own, rowOf(own.group)));
  const names = new Set(listed.map(({ group }) => group.toHex()));
  for (const row of rows) {
    if (isMember(row) && !names.has(row.group.toHex())) await attempt(() => bringTo(room, row.group));
  }
  return errors;
}

/** Exit codes of what the relay refuses: nothing is wrong with the session, and other groups may do. */
const ONE_GROUP = [64, 65, 67, 75, 77];

async function compare(room: GroupRoom, { group, epoch, welcome }: OwnGroup, row: GroupRow | null): Promise<void> {
  if (isMember(row)) {
    if (row.epoch !== epoch || row.status === "stuck") await bringTo(room, group);
    return;
  }
  if (welcome && await takeWelcome(room, group) !== "none") return;
  if (row === null) await comeBack(room, group, "lost_state");
  else if (row.status === "removed") await comeBack(room, group, "reopened");
  else await leaveAgain(room, group);
}

/** The answer to leaving was lost, or another member put this device back on the roster. */
async function leaveAgain(room: GroupRoom, group: Uint8Array): Promise<void> {
  const { calls } = await callsOf(room);
  await calls.leaveGroup(group);
}

async function list(room: GroupRoom): Promise<OwnGroup[] | null> {
  const { calls } = await callsOf(room);
  try {
    return await calls.listGroups();
  } catch (thrown) {
    if (asQightError(thrown).code === "unknown_method") return null; // an older relay
    throw thrown;
  }
}
