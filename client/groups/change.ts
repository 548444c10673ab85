/**
 * Changes a group: an intent becomes a commit on top of whatever the group is now, again and again until the relay takes
 * one, or time is over.
 * @module
 */
import { equal, isOneOf } from "../../crypto/equal.ts";
import { commit } from "../../crypto/mls/commit.ts";
import type { Member } from "../../crypto/mls/credential.ts";
import type { GroupDataFields } from "../../crypto/mls/group_data.ts";
import { describe, encodeState, type GroupDescription, type GroupState } from "../../crypto/mls/state.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { pause } from "../clock.ts";
import type { PendingCommit } from "../storage/store.ts";
import { hasEnded } from "../account_ends.ts";
import { refreshBundles } from "./authentication.ts";
import type { Addable, Claimed } from "./claim.ts";
import { claimMissing, findOffRoster, type Gathered, loadOf, notAMember } from "./claim_missing.ts";
import { writeHappenings } from "./events.ts";
import { offer, writeRequest } from "./pending.ts";
import { bringTo } from "./reach.ts";
import { faultOf, type JudgedChange, roleOf } from "./roles.ts";
import type { GroupRoom } from "./room.ts";
import { distinct, happeningsOf, nextRow, type OffRoster, rosterOf } from "./rows.ts";
import { seatsOf } from "./seats.ts";

/** What a group shall be like; accounts as hashes of 32 bytes. With nothing of it, keys are renewed. */
export interface Intent {
  readonly add?: readonly Uint8Array[];
  readonly remove?: readonly Uint8Array[];
  /** Gives the data as they shall be, from the ones that are. */
  readonly data?: (data: GroupDataFields) => GroupDataFields;
  /** Renew keys even when nothing else is to do. */
  readonly renew?: boolean;
  /**
   * Leaves of devices that their accounts list no more go; the own other devices, and in a direct conversation those of
   * both, come in as far as they can be added (seats.ts).
   */
  readonly tidy?: boolean;
}

/** What a change did. */
export interface Changed {
  /** Accounts that came. */
  readonly added: readonly Uint8Array[];
  /** Accounts that went. */
  readonly removed: readonly Uint8Array[];
  /** The group's epoch now. */
  readonly epoch: number;
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 400;

/**
 * Makes a group as the intent says; what is so already is left alone. `not_allowed` when this device's account may not do
 * it, `no_key_package` when somebody cannot be added, `not_a_member`, `stale_epoch` when others were faster until the
 * deadline.
 */
export async function change(
  room: GroupRoom,
  group: Uint8Array,
  intent: Intent,
  claimed: Claimed = new Map(),
): Promise<Changed> {
  const { clock, random, timeoutMs } = room;
  const untilMs = clock.monotonic() + timeoutMs;
  const gathered: Gathered = { claimed, ofDevices: new Map(), offRoster: new Set() };
  let asked = false;
  for (let tries = 0;; tries++) {
    let waitMs = random(1)[0] / 255 * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 10));
    let last = new QightError("stale_epoch", `Others changed the group each time, for ${timeoutMs} ms`);
    try {
      const changed = await tryOnce(room, group, intent, gathered);
      if (changed) return changed;
    } catch (thrown) {
      const error = asQightError(thrown);
      if (error.code === "not_allowed" && !asked) {
        asked = true;
        await askAboutLeaders(room, group);
        continue;
      }
      // The relay lets a group change so many times a minute.
      if (error.code !== "rate_limited" || error.retryAfterMs === undefined) throw error;
      waitMs += error.retryAfterMs;
      last = error;
    }
    if (clock.monotonic() + waitMs >= untilMs) throw last;
    await pause(clock, waitMs);
  }
}

/** One try on top of all that others did; null when somebody was faster. */
async function tryOnce(
  room: GroupRoom,
  group: Uint8Array,
  intent: Intent,
  gathered: Gathered,
): Promise<Changed | null> {
  const { offRoster } = gathered;
  const reached = await bringTo(room, group);
  if (reached === "none") throw notAMember();
  if (reached === "behind") {
    throw new QightError("stale_epoch", "The group waits for a change to be taken back that breaks its rules");
  }
  await claimMissing(room, group, intent, gathered);
  const made = await make(room, group, intent, gathered);
  if (made.kind === "nothing") return { added: [], removed: [], epoch: made.epoch };
  if (made.kind === "busy") return null;
  try {
    return await offer(room, made.pending, made.next) === "accepted" ? made.changed : null;
  } catch (thrown) {
    if (asQightError(thrown).code !== "bad_group_message" || offRoster.size > 0) throw thrown;
    // The relay may have taken a device off whose leaf is still there: it does not come back by just any commit.
    await findOffRoster(room, group, made.next, offRoster);
    if (offRoster.size === 0) throw thrown;
    return null;
  }
}

/** Whoever led the group may be gone, which this device has not heard of yet; then others may do what only they might. */
async function askAboutLeaders(room: GroupRoom, group: Uint8Array): Promise<void> {
  const leaders = await room.store.write(async (tables) => {
    const { members, data } = describe((await loadOf(room, tables, group)).state);
    return distinct(members.filter(({ account }) => !data.direct && roleOf(data, members, account) !== "member"));
  });
  await refreshBundles(room, leaders.filter((account) => !equal(account, room.account)));
}

type Made =
  | { readonly kind: "nothing"; readonly epoch: number }
  /** An own commit of another process is under way: its fate comes first. */
  | { readonly kind: "busy" }
  | {
    readonly kind: "made";
    readonly pending: PendingCommit;
    readonly next: GroupState;
    readonly changed: Changed;
  };

/** One transaction: makes the commit, keeps it as pending, and the state that has used its key up. */
async function make(
  room: GroupRoom,
  group: Uint8Array,
  intent: Intent,
  { claimed, ofDevices, offRoster }: Gathered,
): Promise<Made> {
  const { relay, account, signer, store, states, clock } = room;
  return await store.write(async (tables): Promise<Made> => {
    const { groups } = tables;
    const { row, state } = await loadOf(room, tables, group);
    if (groups.pending(relay, group).some(({ epoch }) => epoch === row.epoch)) return { kind: "busy" };
    const now = describe(state);
    const leavers = groups.leavers(relay, group);
    const wish = wishOf(intent, now, claimed, { leavers, devices: offRoster });
    const { data } = wish;
    const { gone, absent } = await seatsOf(room, tables, now);
    const isAbsent = ({ device }: Addable) => absent.some((one) => equal(one.device, device));
    const late = intent.tidy ? [...ofDevices.values()].filter((one) => one !== null).filter(isAbsent) : [];
    const add = [...wish.add, ...late.filter(({ device }) => !wish.add.some((one) => equal(one.device, device)))];
    // What is gone goes with any change that somebody makes; only who tidies makes one for it.
    const swept = intent.tidy || add.length + wish.remove.length > 0 || data || intent.renew ? gone : [];
    const remove = [...wish.remove, ...swept.filter(({ leaf }) => !wish.remove.some((one) => one.leaf === leaf))];
    if (add.length === 0 && remove.length === 0 && !data && !intent.renew) return { kind: "nothing", epoch: now.epoch };
    if (remove.some(({ leaf }) => leaf === now.ownLeaf)) {
      throw new QightError("usage", "Nobody removes the own device: leave the group instead");
    }
    const committer = { account, device: signer.publicKey };
    const judged: JudgedChange = {
      ...{ committer, external: false, before: now.data, after: data ?? now.data, removed: remove },
      added: add.map(({ account, device }) => ({ leaf: -1, account, device })),
    };
    const fault = faultOf(judged, now.members, gone);
    if (fault) throw new QightError("not_allowed", `This is not allowed: ${fault}`, { hint: "Ask the group's owner." });
    const nowMs = clock.now();
    const made = await commit(state, {
      add: add.map(({ keyPackage }) => keyPackage),
      remove: remove.map(({ leaf }) => leaf),
      ...(data ? { data } : {}),
      nowMs,
    });
    const happened = happeningsOf(judged, now.members, (account) => hasEnded(tables, account));
    const added = new Set(add.map(({ device }) => device.toHex()));
    const devices = new Set([...offRoster].filter((device) => !added.has(device)));
    const away = leavers.filter((account) => !add.some((one) => equal(one.account, account)));
    const roster = rosterOf(describe(made.next), { leavers: away, devices });
    const request = {
      ...{ group, epoch: now.epoch, commit: made.commit, welcome: made.welcome, groupInfo: made.groupInfo, roster },
      welcomed: add.map(({ device }) => device),
    };
    const pending: PendingCommit = {
      ...{ relay, group, epoch: now.epoch, hash: made.hash, request: writeRequest(request) },
      next: nextRow(row, made.next),
      parts: encodeState(made.next),
      events: writeHappenings(happened),
    };
    groups.addPending(pending);
    await states.saveMessage(tables, row, made.spent);
    const accounts = (kind: "member_added" | "member_removed") =>
      happened.flatMap((one) => one.kind === kind ? [one.account] : []);
    const changed = { added: accounts("member_added"), removed: accounts("member_removed"), epoch: now.epoch + 1 };
    return { kind: "made", pending, next: made.next, changed };
  });
}

function wishOf(
  { add: wanted = [], remove = [], data }: Intent,
  { members, data: before }: GroupDescription,
  claimed: Claimed,
  { leavers, devices }: OffRoster,
) {
  const after = data?.(before);
  // Who is in by an old leaf alone and comes again gets a new one for it.
  const isOff = ({ account, device }: Member) => isOneOf(account, leavers) || devices.has(device.toHex());
  const stale = (member: Member) => isOneOf(member.account, wanted) && isOff(member);
  const add = wanted.flatMap((account) => claimed.get(account.toHex()) ?? [])
    .filter(({ device }) => !members.some((member) => equal(member.device, device) && !stale(member)));
  const replaced = (member: Member) => stale(member) && add.some(({ device }) => equal(device, member.device));
  return {
    add,
    remove: members.filter((member) => isOneOf(member.account, remove) || replaced(member)),
    data: after && !same(after, before) ? after : undefined,
  };
}

function same(a: GroupDataFields, b: GroupDataFields): boolean {
  const text = ({ name, creator, admins, disappearAfterS }: GroupDataFields) =>
    JSON.stringify([name, creator.toHex(), admins.map((admin) => admin.toHex()), disappearAfterS]);
  return text(a) === text(b);
}
