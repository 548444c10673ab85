/**
 * Brings a group to an epoch, whatever it takes: own commits of unknown fate, the relay's log, a report of a commit that
 * breaks the rules, and joining anew when nothing else helps.
 * @module
 */
import { asQightError } from "../../proto/errors.ts";
import { equal } from "../../crypto/equal.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { describe } from "../../crypto/mls/state.ts";
import type { GroupRow } from "../storage/store.ts";
import { type HealReason, keepEvents } from "./events.ts";
import { takeWelcome } from "./join.ts";
import { isMember } from "./member_row.ts";
import { settlePending } from "./pending.ts";
import { comeIn } from "./rejoin.ts";
import { callsOf, type GroupRoom } from "./room.ts";
import type { LoggedCommit } from "./commit_log.ts";
import { takeCommits } from "./sync.ts";

/** Where a group is: at the wanted epoch, beyond it, not there (yet), or not a group of this device. */
export type Reached = "there" | "ahead" | "behind" | "none";

/** A member alone with its opinion waits so long for others to report too, before it joins anew: 10 minutes. */
const STUCK_PATIENCE_MS = 10 * 60_000;
/** A fork is healed at most so often: any member can pretend one. */
const FORK_PAUSE_MS = 10 * 60_000;

/** Joining anew once heals; a relay that makes it necessary again at once is not worth more. */
const MAX_HEALS = 2;
const MAX_ROUNDS = 12;

/**
 * Takes in what is needed to be at epoch `wanted`, or all there is. Not for use inside a transaction. What happened is
 * kept as events.
 */
export async function bringTo(room: GroupRoom, group: Uint8Array, wanted: number = Infinity): Promise<Reached> {
  let heals = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const row = await rowOf(room, group);
    if (!isMember(row)) {
      if (heals++ >= MAX_HEALS || !await enter(room, group, row)) return "none";
      continue;
    }
    if (row.epoch > wanted) return "ahead";
    if (row.epoch === wanted) return "there";
    await settlePending(room, group);
    const taken = await takeCommits(room, group, wanted);
    switch (taken.kind) {
      case "taken": {
        await unstick(room, group);
        if (wanted === Infinity) return "there";
        return taken.epoch < wanted ? "behind" : taken.epoch > wanted ? "ahead" : "there";
      }
      case "over":
        break; // a Welcome may wait: removed and added again
      case "broken":
        if (heals++ >= MAX_HEALS) return "behind";
        if (!await comeBack(room, group, taken.why)) return await notBack(room, group);
        break;
      case "refused":
        if (taken.newest) {
          if (await report(room, group, taken.commit)) break;
          if (!await isPatienceOver(room, group)) return "behind";
        }
        if (heals++ >= MAX_HEALS) return "behind";
        if (!await comeBack(room, group, "refused_commit")) return await notBack(room, group);
    }
  }
  return "behind";
}

/** The views differ: joins anew, unless that was done a moment ago. True when it did. */
export async function healFork(room: GroupRoom, group: Uint8Array): Promise<boolean> {
  const row = await rowOf(room, group);
  if (!isMember(row) || room.clock.now() < row.healedAtMs + FORK_PAUSE_MS) return false;
  return await comeBack(room, group, "fork");
}

/** Joins anew; false when this device is no member, or the group as the relay shows it is not one to be in. */
export async function comeBack(room: GroupRoom, group: Uint8Array, why: HealReason): Promise<boolean> {
  try {
    return await comeIn(room, group, { kind: "heal", why });
  } catch (thrown) {
    // What a member or the relay made of the group must not stop the mail of all others.
    if (["bad_group_message", "blocked", "stale_epoch"].includes(asQightError(thrown).code)) return false;
    throw thrown;
  }
}

async function notBack(room: GroupRoom, group: Uint8Array): Promise<Reached> {
  return isMember(await rowOf(room, group)) ? "behind" : "none";
}

/** A group without a state here: a Welcome may wait, or the state was lost. */
async function enter(room: GroupRoom, group: Uint8Array, row: GroupRow | null): Promise<boolean> {
  if (await settlePending(room, group)) return true;
  const welcomed = await takeWelcome(room, group);
  if (welcomed !== "none") return welcomed === "joined";
  // Who has left or was removed comes back by a Welcome alone, but nobody decides over a conversation of two.
  const mayCome = row === null || (row.kind === "direct" && row.status === "removed");
  return mayCome && await comeBack(room, group, "lost_state");
}

/** Tells the relay that the newest commit does not fit; true when it was taken back. */
async function report(room: GroupRoom, group: Uint8Array, commit: LoggedCommit): Promise<boolean> {
  const { calls } = await callsOf(room);
  let undone = false;
  try {
    undone = await calls.reportCommit(group, commit.epoch, await sha256(commit.commit));
  } catch (thrown) {
    const { exit } = asQightError(thrown);
    // Refused for certain: it is not the newest any more, or somebody else's reports were enough. The log says which.
    if (![64, 65, 67, 75, 77].includes(exit)) throw thrown;
  }
  await room.store.write(async (tables) => {
    const loaded = await room.states.load(tables, room.relay, group);
    if (!loaded || loaded.row.epoch !== commit.epoch) return;
    const { row, state } = loaded;
    const by = describe(state).members.find(({ device }) => equal(device, commit.device))?.account ?? null;
    const first = row.status !== "stuck";
    if (first || undone) keepEvents(tables, row, room.clock.now(), [{ kind: "refused_commit", by, undone }]);
    if (undone) {
      room.states.saveRow(tables, { ...row, status: "active", stuckAtMs: 0 }, "keep");
      // Its device is off the roster; whoever may removes the leaf too (`removeLeavers`).
      if (by) tables.groups.addLeaver(room.relay, group, by, "put_out");
    }
    if (!undone && first) room.states.saveRow(tables, { ...row, status: "stuck", stuckAtMs: room.clock.now() }, "keep");
  });
  return undone;
}

/** What it stuck at was taken back, or taken in after all. */
async function unstick(room: GroupRoom, group: Uint8Array): Promise<void> {
  const row = await rowOf(room, group);
  if (row?.status !== "stuck") return;
  await room.store.write((tables) => {
    const now = tables.groups.get(room.relay, group);
    if (now?.status !== "stuck") return;
    room.states.saveRow(tables, { ...now, status: "active", stuckAtMs: 0 }, "keep");
  });
}

async function isPatienceOver(room: GroupRoom, group: Uint8Array): Promise<boolean> {
  const row = await rowOf(room, group);
  return row?.status === "stuck" && room.clock.now() >= row.stuckAtMs + STUCK_PATIENCE_MS;
}

function rowOf({ store, relay }: GroupRoom, group: Uint8Array): Promise<GroupRow | null> {
  return store.read(({ groups }) => groups.get(relay, group));
}
