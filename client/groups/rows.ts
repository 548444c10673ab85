/**
 * Rows of groups as their states say, with a local name that is the only one of its kind, and what a change means to people.
 * @module
 */
import { equal, isOneOf } from "../../crypto/equal.ts";
import type { Member } from "../../crypto/mls/credential.ts";
import { describe, type GroupDescription, type GroupState } from "../../crypto/mls/state.ts";
import { cleanName } from "../invite_contact.ts";
import type { GroupRow, GroupTable } from "../storage/store.ts";
import type { Happening } from "./events.ts";
import { type JudgedChange, ownerOf } from "./roles.ts";

/** A row before it is saved. */
export type NewRow = Omit<GroupRow, "stamp">;

/** The row of a group that this device comes into. */
export function firstRow(relay: string, state: GroupState, own: Uint8Array, nowMs: number): NewRow {
  const { group, epoch, suite, data } = describe(state);
  return {
    relay,
    group,
    kind: data.direct ? "direct" : "group",
    peer: data.direct && (data.direct.find((account) => !equal(account, own)) ?? own),
    name: data.name,
    creator: data.creator,
    suite,
    epoch,
    status: "active",
    joinedAtMs: nowMs,
    stuckAtMs: 0,
    healedAtMs: 0,
  };
}

/** The row of a group whose state went on. */
export function nextRow(before: NewRow, state: GroupState): NewRow {
  const { epoch, data } = describe(state);
  const { relay, group, kind, peer, suite, joinedAtMs, healedAtMs } = before;
  const status = before.status === "stuck" ? "active" : before.status;
  const stays = { relay, group, kind, peer, suite, joinedAtMs, healedAtMs };
  return { ...stays, name: data.name, creator: data.creator, epoch, status, stuckAtMs: 0 };
}

/**
 * Inside a transaction: what `#NAME` shall call a group here. Two groups may have the same name: the second one gets a
 * number, and keeps it.
 */
export function localName(groups: GroupTable, row: Pick<GroupRow, "relay" | "group" | "kind" | "name">): string {
  if (row.kind === "direct") return "";
  const wanted = cleanName(row.name) ?? row.group.toHex().slice(0, 8);
  const before = groups.get(row.relay, row.group);
  const free = (name: string) => {
    const holder = groups.ofName(name);
    return !holder || (equal(holder.group, row.group) && holder.relay === row.relay);
  };
  if (before && isNumbered(before.name, wanted) && free(before.name)) return before.name;
  for (let number = 1;; number++) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if (free(name)) return name;
  }
}

/**
 * What a change means to people: accounts that came and went, and what all agree on now. Devices that come and go are
 * told when the account's list says so (client/device_news.ts). `ended`: whether an account is gone for good.
 */
export function happeningsOf(
  change: JudgedChange,
  members: readonly Member[],
  ended: (account: Uint8Array) => boolean = () => false,
): Happening[] {
  const { committer, external, added, removed, before, after } = change;
  const by = committer.account;
  const left = members.filter(({ leaf }) => !removed.some((gone) => gone.leaf === leaf));
  const stays = (account: Uint8Array) => [...left, ...added].some((member) => equal(member.account, account));
  // Who joins anew by itself, or by another device, was there all the time; whose old leaf somebody else replaces had left.
  const replaced = ({ device }: Member) => added.some((one) => equal(one.device, device));
  const there = external ? members : members.filter((member) => !replaced(member));
  const was = (account: Uint8Array) => there.some((member) => equal(member.account, account));
  const events: Happening[] = [];
  // A conversation of two begins and goes on without a word about it.
  if (!before.direct) {
    for (const account of distinct(removed)) {
      if (!stays(account) && !ended(account)) events.push({ kind: "member_removed", by, account });
    }
    for (const account of distinct(added)) if (!was(account)) events.push({ kind: "member_added", by, account });
  }
  // Its devices may go one by one, and its end is told once.
  for (const account of distinct(removed)) {
    if (ended(account) && !stays(account)) events.push({ kind: "account_ended", account });
  }
  if (before.name !== after.name) events.push({ kind: "renamed", by, from: before.name, to: after.name });
  if (before.disappearAfterS !== after.disappearAfterS) {
    events.push({ kind: "timer", by, seconds: after.disappearAfterS });
  }
  for (const account of missingFrom(before.admins, after.admins)) events.push({ kind: "admin", by, account, on: true });
  for (const account of missingFrom(after.admins, before.admins)) {
    if (!equal(account, after.creator)) events.push({ kind: "admin", by, account, on: false });
  }
  const owner = ownerOf(after, [...left, ...added]);
  if (!before.direct && !isSame(ownerOf(before, members), owner)) {
    events.push({ kind: "owner", by: equal(before.creator, after.creator) ? null : by, account: owner });
  }
  return events;
}

/** The accounts of leaves, each once. */
export function distinct(leaves: readonly Pick<Member, "account">[]): Uint8Array[] {
  return [...new Map(leaves.map(({ account }) => [account.toHex(), account])).values()];
}

/** Devices that the relay delivers nothing more to, although their leaves are still there. */
export interface OffRoster {
  /** Accounts of members who said that they leave. */
  readonly leavers: readonly Uint8Array[];
  /** Devices that the relay took off, in hex. */
  readonly devices: ReadonlySet<string>;
}

/** The devices that a group's new roster has. */
export function rosterOf({ members }: GroupDescription, { leavers, devices }: OffRoster): Uint8Array[] {
  const stays = members.filter(({ account, device }) => !devices.has(device.toHex()) && !isOneOf(account, leavers));
  return [...new Map(stays.map(({ device }) => [device.toHex(), device])).values()];
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equal(a, b);
}

function missingFrom(known: readonly Uint8Array[], all: readonly Uint8Array[]): Uint8Array[] {
  return all.filter((one) => !isOneOf(one, known));
}

function isNumbered(name: string, wanted: string): boolean {
  if (name.toLowerCase() === wanted.toLowerCase()) return true;
  return name.toLowerCase().startsWith(`${wanted.toLowerCase()}-`) && /^-\d+$/.test(name.slice(wanted.length));
}
