/**
 * Gets the KeyPackages that a change needs: of people who come, and of devices that are listed and have no leaf.
 * @module
 */
import { equal, isOneOf } from "../../crypto/equal.ts";
import { describe, type GroupState } from "../../crypto/mls/state.ts";
import { asQightError, type ErrorCode, QightError } from "../../proto/errors.ts";
import type { Tables } from "../storage/store.ts";
import { type Addable, claimAll, claimDevices, type Claimed } from "./claim.ts";
import { isMember } from "./member_row.ts";
import { callsOf, type GroupRoom } from "./room.ts";
import { distinct } from "./rows.ts";
import { seatsOf } from "./seats.ts";

/** What the tries of one change have gathered. */
export interface Gathered {
  /** KeyPackages of an earlier try are still good. */
  readonly claimed: Claimed;
  /** The same of single devices, by device in hex; null for one that has none. */
  readonly ofDevices: Map<string, Addable | null>;
  /** Devices in hex that have a leaf, and to which the relay delivers nothing. */
  readonly offRoster: Set<string>;
}

/** Claims KeyPackages of accounts that have no device in the group; `tidy`: and of listed devices without a leaf. */
export async function claimMissing(
  room: GroupRoom,
  group: Uint8Array,
  { add = [], tidy = false }: { readonly add?: readonly Uint8Array[]; readonly tidy?: boolean },
  { claimed, ofDevices, offRoster }: Gathered,
): Promise<void> {
  if (add.length === 0 && !tidy) return;
  const { state, leavers, absent } = await room.store.write(async (tables) => {
    const { state } = await loadOf(room, tables, group);
    const leavers = tables.groups.leavers(room.relay, group);
    return { state, leavers, absent: tidy ? (await seatsOf(room, tables, describe(state))).absent : [] };
  });
  const { members, suite } = describe(state);
  const known = (account: Uint8Array) => members.some((member) => equal(member.account, account));
  if (add.some((account) => !equal(account, room.account) && known(account))) {
    await findOffRoster(room, group, state, offRoster);
  }
  // Who is a member already stays as they are; own other devices come in one by one.
  const isIn = new Set(
    members.filter(({ account, device }) => !isOneOf(account, leavers) && !offRoster.has(device.toHex()))
      .map(({ account }) => account.toHex()),
  );
  const missing = add.filter((account) => equal(account, room.account) || !isIn.has(account.toHex()));
  await claimAll(room, missing, suite, claimed);
  // Nobody decides for a member who has left that their other devices come in.
  const wanted = absent.filter(({ account, device }) =>
    !ofDevices.has(device.toHex()) && !claimed.has(account.toHex()) && !isOneOf(account, leavers)
  );
  for (const account of distinct(wanted)) {
    const devices = wanted.filter((one) => equal(one.account, account)).map(({ device }) => device);
    for (const device of devices) ofDevices.set(device.toHex(), null);
    for (const one of await claimSome(room, account, suite, devices)) ofDevices.set(one.device.toHex(), one);
  }
}

/** Devices that have a leaf, and to which the relay delivers nothing: they left, or a change of theirs was undone. */
export async function findOffRoster(
  room: GroupRoom,
  group: Uint8Array,
  state: GroupState,
  off: Set<string>,
): Promise<void> {
  const { calls } = await callsOf(room);
  const listed = new Set((await calls.getGroup(group)).roster.map((device) => device.toHex()));
  for (const { device } of describe(state).members) if (!listed.has(device.toHex())) off.add(device.toHex());
}

/** Row and state of a group that this device is in; `not_a_member`. Inside a transaction. */
export async function loadOf(room: GroupRoom, tables: Tables, group: Uint8Array) {
  const loaded = await room.states.load(tables, room.relay, group);
  if (!loaded || !isMember(loaded.row)) throw notAMember();
  return loaded;
}

/** The error for a group that this device is not in. */
export function notAMember(): QightError {
  return new QightError("not_a_member", "This device is no member of the group (any more)");
}

/** As far as there are any: that a device cannot be added yet is no reason to leave the rest undone. */
async function claimSome(
  room: GroupRoom,
  account: Uint8Array,
  suite: number,
  devices: readonly Uint8Array[],
): Promise<Addable[]> {
  try {
    return await claimDevices(room, account, suite, devices);
  } catch (thrown) {
    const error = asQightError(thrown);
    if (NOT_YET.has(error.code)) return [];
    throw error;
  }
}

const NOT_YET = new Set<ErrorCode>([
  "no_key_package",
  "no_such_recipient",
  "account_ended",
  "bad_bundle",
  "key_changed",
  "rate_limited",
]);
