/**
 * Devices that came into a group and went again while somebody was away: no list of their account has them any more, and
 * what was said while they were there is to be read all the same.
 * @module
 */
import { applyCommit } from "../../crypto/mls/apply.ts";
import type { GroupState } from "../../crypto/mls/state.ts";
import { asQightError } from "../../proto/errors.ts";
import type { GroupRow } from "../storage/store.ts";
import { type LoggedCommit, readLog } from "./commit_log.ts";
import type { GroupRoom } from "./room.ts";

/** So many commits are looked at ahead. */
const LOOK_AHEAD = 256;

/**
 * Whether these devices (hex) went again by what the log says from an epoch on, at which the group had this state: then they
 * were listed once, and what was said meanwhile is to be read all the same.
 */
export async function areGoneLater(
  room: GroupRoom,
  at: Pick<GroupRow, "group" | "epoch">,
  state: GroupState,
  devices: ReadonlySet<string>,
): Promise<boolean> {
  const log = await readLog(room, at, LOOK_AHEAD);
  return log !== null && await goAgain(state, log.commits, devices);
}

/**
 * Whether all these devices are out of the group again after some of the commits that follow a state. Nothing is taken in:
 * the commits are checked by their keys alone, and by all rules when they are taken in.
 */
async function goAgain(
  state: GroupState,
  commits: readonly LoggedCommit[],
  devices: ReadonlySet<string>,
): Promise<boolean> {
  const left = new Set(devices);
  let at = state;
  try {
    for (const { commit, acceptedAtMs } of commits) {
      const { next, change } = await applyCommit(at, commit, { nowMs: acceptedAtMs, check: () => Promise.resolve() });
      for (const { device } of change.removed) left.delete(device.toHex());
      // Who comes in again, listed or not, is one who stays.
      for (const { device } of change.added) if (devices.has(device.toHex())) left.add(device.toHex());
      if (left.size === 0 || next === null) break;
      at = next;
    }
  } catch (thrown) {
    if (asQightError(thrown).code !== "bad_group_message") throw thrown;
    return false;
  }
  return left.size === 0;
}
