/**
 * Joins a group anew by an external commit (RFC 9420 section 12.4.3.2): what heals a state that is lost, old, or at odds
 * with the others'.
 * @module
 */
import { formatAccountId } from "../../crypto/account.ts";
import { equal, isOneOf } from "../../crypto/equal.ts";
import type { Member } from "../../crypto/mls/credential.ts";
import type { GroupDataFields } from "../../crypto/mls/group_data.ts";
import { joinExternally } from "../../crypto/mls/join_externally.ts";
import { describe, encodeState, type GroupDescription } from "../../crypto/mls/state.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import type { RelayGroup } from "../group_calls.ts";
import type { GroupRow, GroupStatus } from "../storage/store.ts";
import { notListed, unvouched } from "./authentication.ts";
import { type Happening, type HealReason, writeHappenings } from "./events.ts";
import { offer, writeRequest } from "./pending.ts";
import { joinFault } from "./roles.ts";
import { callsOf, type GroupRoom } from "./room.ts";
import { firstRow, rosterOf } from "./rows.ts";
import { forgetState } from "./sync.ts";

/** Why and as what to come in. */
export type Entrance =
  /** A member of the roster comes back. */
  | { readonly kind: "heal"; readonly why: HealReason }
  /** The own account has another device on the roster, or is a side of this direct conversation. */
  | { readonly kind: "seat" }
  /** A guest shows the key of an invite, 32 bytes. */
  | { readonly kind: "key"; readonly joinKey: Uint8Array };

/** Others may commit meanwhile: so many tries. */
const MAX_TRIES = 8;

/**
 * Comes in by an external commit. False when this device is not on the roster, or shows no key that counts;
 * `bad_group_message` when the group is not one to be in, `stale_epoch` when others were faster each time.
 */
export async function comeIn(room: GroupRoom, group: Uint8Array, entrance: Entrance): Promise<boolean> {
  const joinKey = entrance.kind === "key" ? entrance.joinKey : undefined;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await ask(room, group, joinKey);
    if (!found) {
      if (entrance.kind === "heal") await forgetState(room, group);
      return false;
    }
    try {
      if (await tryOnce(room, group, found, entrance)) return true;
    } catch (thrown) {
      if (!isAlone(room, found) || asQightError(thrown).code !== "bad_group_message") throw thrown;
      // ts-mls cannot take the place of the only leaf there is. Nobody else is in the group: then it may as well go.
      const { calls } = await callsOf(room);
      await calls.leaveGroup(group);
      await forgetState(room, group);
      return false;
    }
  }
  throw new QightError("stale_epoch", "Others changed the group each time while this device tried to come in");
}

function isAlone({ signer }: GroupRoom, { roster }: RelayGroup): boolean {
  return roster.length === 1 && equal(roster[0], signer.publicKey);
}

async function ask(room: GroupRoom, group: Uint8Array, joinKey: Uint8Array | undefined): Promise<RelayGroup | null> {
  const { calls } = await callsOf(room);
  try {
    return await calls.getGroup(group, joinKey);
  } catch (thrown) {
    const { code } = asQightError(thrown);
    if (code === "not_a_member" || code === "no_such_group") return null;
    throw thrown;
  }
}

async function tryOnce(room: GroupRoom, group: Uint8Array, found: RelayGroup, entrance: Entrance): Promise<boolean> {
  const { relay, account, signer, clock, store } = room;
  const before = await store.read(({ groups }) => groups.get(relay, group));
  const nowMs = clock.now();
  const check = (members: readonly Member[], data: GroupDataFields) => mayJoin(room, group, before, members, data);
  const made = await joinExternally(found.groupInfo, { account, signer }, { nowMs, check });
  const described = describe(made.next);
  if (described.epoch !== found.epoch + 1 || !equal(described.group, group)) {
    throw new QightError("bad_group_message", "The relay's GroupInfo is of another group or epoch than it says");
  }
  const { members } = described;
  const status = statusOf(await store.read(({ groups }) => groups.get(relay, group)));
  const { commit, groupInfo, hash } = made;
  // Either side of a direct conversation may come in without having been in it.
  const wasThere = before !== null || isOneOf(signer.publicKey, found.roster);
  const listed = new Set([...found.roster, signer.publicKey].map((device) => device.toHex()));
  const off = members.map(({ device }) => device.toHex()).filter((device) => !listed.has(device));
  const roster = rosterOf(described, { leavers: [], devices: new Set(off) });
  const request = { group, epoch: found.epoch, commit, welcome: null, welcomed: [], groupInfo, roster };
  const pending = {
    ...{ relay, group, hash, epoch: found.epoch },
    request: writeRequest({ ...request, ...(entrance.kind === "key" ? { joinKey: entrance.joinKey } : {}) }),
    next: {
      ...firstRow(relay, made.next, account, before?.joinedAtMs ?? nowMs),
      status,
      healedAtMs: wasThere ? nowMs : 0,
    },
    parts: encodeState(made.next),
    events: writeHappenings(wasThere || !described.data.direct ? toTell(entrance, before, described) : []),
  };
  await store.write(({ groups }) => groups.addPending(pending));
  return await offer(room, pending, made.next) === "accepted";
}

/**
 * Refuses a group whose members are not who they say, or that is another one than before. `onUnlisted` decides about leaves
 * that no list of their accounts has; without it they are a reason to refuse.
 */
export async function mayJoin(
  room: GroupRoom,
  group: Uint8Array,
  before: GroupRow | null,
  members: readonly Member[],
  data: GroupDataFields,
  onUnlisted: (leaves: readonly Member[]) => void = ([leaf]) => {
    throw notListed(leaf);
  },
): Promise<void> {
  // Owners hand groups over, to members: anybody else cannot have become one while this device was away.
  const isKnown = (before && equal(before.creator, data.creator)) ||
    members.some(({ account }) => equal(account, data.creator));
  const fault = joinFault(group, data, members, room.account) ??
    (before && !isKnown ? "its owner is another one than before, and no member" : null);
  if (fault) throw new QightError("bad_group_message", `Cannot join the group: ${fault}`);
  const blocked = await room.store.read(({ contacts }) => contacts.blocked());
  const inviters = data.direct ?? [data.creator];
  const unwanted = before || isIn(room, members) ? undefined : inviters.find((one) => isOneOf(one, blocked));
  if (unwanted) throw new QightError("blocked", `${formatAccountId(unwanted)} is blocked`);
  const missing = await unvouched(room, members.filter(({ device }) => !equal(device, room.signer.publicKey)));
  if (missing.length > 0) onUnlisted(missing);
}

/** Whether another own device is in: that the account is was decided when the first of them came, whoever is blocked. */
export function isIn({ account, signer }: Pick<GroupRoom, "account" | "signer">, members: readonly Member[]): boolean {
  return members.some((one) => equal(one.account, account) && !equal(one.device, signer.publicKey));
}

function statusOf(row: GroupRow | null): GroupStatus {
  return row?.status === "joining" ? "joining" : "active";
}

function toTell(entrance: Entrance, before: GroupRow | null, { epoch, data }: GroupDescription): Happening[] {
  if (entrance.kind !== "heal") return [{ kind: "joined", by: null }];
  const healed: Happening = { kind: "healed", why: entrance.why, fromEpoch: before?.epoch ?? null, toEpoch: epoch };
  const told: Happening[] = entrance.why === "fork" ? [{ kind: "forked" }, healed] : [healed];
  const isHandedOver = before && !data.direct && !equal(before.creator, data.creator);
  return isHandedOver ? [...told, { kind: "owner", by: null, account: data.creator }] : told;
}
