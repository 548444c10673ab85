/**
 * Who may do what in a group: the same rules for what this device does and for what others did.
 *
 * Adding: every member, also anew who left. Leaves of devices that their account lists no more: every member removes them.
 * Removing others, renaming, the timer: owner and admins; when none of them is a
 * member any more, everybody. Naming admins: the owner. Own devices: everybody. In a direct conversation both may do all,
 * with their own devices only.
 * @module
 */
import type { CommitChange } from "../../crypto/mls/apply.ts";
import type { Member } from "../../crypto/mls/credential.ts";
import type { GroupDataFields } from "../../crypto/mls/group_data.ts";
import { directGroupId } from "../../crypto/direct_group.ts";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import { contactName } from "../contacts.ts";

/** What somebody is in a group. */
export type Role = "owner" | "admin" | "member";

/** Most admins of a group; a list without end would be paid for in every GroupInfo. */
export const MAX_ADMINS = 64;
/** Longest timer of disappearing messages: a year, in seconds. */
export const MAX_DISAPPEAR_S = 366 * 24 * 3600;

/** What a change is judged by. */
export type JudgedChange = Omit<CommitChange, "committer"> & { readonly committer: Pick<Member, "account" | "device"> };

/** The role of an account (hash, 32 bytes). */
export function roleOf({ creator, admins }: Pick<GroupDataFields, "creator" | "admins">, account: Uint8Array): Role {
  if (equal(creator, account)) return "owner";
  return has(admins, account) ? "admin" : "member";
}

/** Whether an account may remove others, rename, and set the timer. `members` are those before the change. */
export function administers(data: GroupDataFields, members: readonly Pick<Member, "account">[], account: Uint8Array) {
  if (data.direct || roleOf(data, account) !== "member") return true;
  return !members.some((member) => roleOf(data, member.account) !== "member");
}

/** The leaves that somebody without rights takes away, and that are not own ones: their accounts must list them no more. */
export function removalsToJustify(change: JudgedChange, members: readonly Member[]): Member[] {
  const { committer: { account: own }, added, removed, before } = change;
  if (administers(before, members, own)) return [];
  // A leaf that is replaced by one of the same device takes nobody away.
  const replaced = (gone: Member) =>
    added.some(({ account, device }) => equal(device, gone.device) && equal(account, gone.account));
  return removed.filter((gone) => !equal(gone.account, own) && !replaced(gone));
}

/**
 * Why a change breaks the rules, as the end of a sentence; null when it does not. `gone`: leaves in it whose accounts
 * list their devices no more.
 */
export function faultOf(change: JudgedChange, members: readonly Member[], gone: readonly Member[] = []): string | null {
  const { committer, external, added, removed, before, after } = change;
  const own = committer.account;
  const mayAll = administers(before, members, own);
  const others = removalsToJustify(change, members).filter(({ leaf }) => !gone.some((one) => one.leaf === leaf));
  if (external) {
    const only = added.every(({ device }) => equal(device, committer.device)) &&
      removed.every(({ device }) => equal(device, committer.device));
    if (!only) return "whoever joins by itself changes nothing else";
    if (!sameData(before, after)) return "whoever joins by itself changes nothing else";
  }
  if (before.direct && !added.every(({ account }) => has(before.direct!, account))) {
    return "a direct conversation has the devices of two people";
  }
  if (others.length > 0) return "only the owner and admins may remove others";
  return dataFault(before, after, own, mayAll);
}

/** Why a group cannot be joined as it is; null when it can. `group` is its id, `own` the own account hash. */
export function joinFault(
  group: Uint8Array,
  { direct, creator, admins, disappearAfterS }: GroupDataFields,
  members: readonly Member[],
  own: Uint8Array,
): string | null {
  if (creator.length !== 32 || admins.length > MAX_ADMINS || disappearAfterS > MAX_DISAPPEAR_S) {
    return "its data are malformed";
  }
  if (!direct) return null;
  if (!has(direct, own)) return "it is the direct conversation of other people";
  if (!equal(directGroupId(direct[0], direct[1]), group)) return "its id is not the one of this direct conversation";
  return members.every(({ account }) => has(direct, account)) ? null : "a direct conversation has two people";
}

/** A group's name as it is kept: like a contact's; `bad_name` for what cannot be one. */
export function groupName(text: string): string {
  try {
    return contactName(text.startsWith("#") ? text.slice(1) : text);
  } catch (cause) {
    throw new QightError("bad_name", `"${text}" cannot be the name of a group`, { cause });
  }
}

function dataFault(before: GroupDataFields, after: GroupDataFields, own: Uint8Array, mayAll: boolean): string | null {
  if (!equal(before.creator, after.creator)) return "a group's owner stays";
  if (!sameDirect(before.direct, after.direct)) return "the people of a direct conversation stay";
  if (!sameSet(before.admins, after.admins)) {
    if (before.direct) return "a direct conversation has no admins";
    if (!equal(before.creator, own)) return "only the owner names admins";
    if (after.admins.length > MAX_ADMINS) return `a group has at most ${MAX_ADMINS} admins`;
    if (after.admins.some(({ length }) => length !== 32)) return "an admin is an account";
  }
  if (before.disappearAfterS !== after.disappearAfterS) {
    if (!mayAll) return "only the owner and admins set the timer";
    if (after.disappearAfterS > MAX_DISAPPEAR_S) return "the timer is at most a year";
  }
  if (before.name === after.name) return null;
  if (before.direct) return "a direct conversation has no name";
  if (!mayAll) return "only the owner and admins may rename";
  return isName(after.name) ? null : "this cannot be a name";
}

function isName(text: string): boolean {
  try {
    return contactName(text) === text;
  } catch {
    return false; // the reason is the caller's
  }
}

function sameData(a: GroupDataFields, b: GroupDataFields): boolean {
  return a.name === b.name && a.disappearAfterS === b.disappearAfterS && equal(a.creator, b.creator) &&
    sameSet(a.admins, b.admins) && sameDirect(a.direct, b.direct);
}

function sameDirect(a: GroupDataFields["direct"], b: GroupDataFields["direct"]): boolean {
  if (a === null || b === null) return a === b;
  return equal(a[0], b[0]) && equal(a[1], b[1]);
}

function sameSet(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((one) => has(b, one)) && b.every((one) => has(a, one));
}

function has(accounts: readonly Uint8Array[], account: Uint8Array): boolean {
  return accounts.some((one) => equal(one, account));
}
