/**
 * Who may do what in a group: the same rules for what this device does and for what others did.
 *
 * Adding: every member, also anew who left. Leaves of devices that their account lists no more: every member removes them.
 * Removing others, renaming, the timer: owner and admins; when none of them is a member any more, everybody. Naming admins
 * and handing the group over: the owner, whom nobody removes. While the owner is no member, the admin who was named first
 * is the owner; when no admin is left either, everybody names admins. Own devices: everybody. In a direct conversation both
 * may do all, with their own devices only.
 * @module
 */
import type { CommitChange } from "../../crypto/mls/apply.ts";
import type { Member } from "../../crypto/mls/credential.ts";
import type { GroupDataFields } from "../../crypto/mls/group_data.ts";
import { directGroupId } from "../../crypto/direct_group.ts";
import { equal, isOneOf } from "../../crypto/equal.ts";
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

/** What of a group's data says who leads it. */
type Leaders = Pick<GroupDataFields, "creator" | "admins" | "direct">;

/** Those who may be in a group. */
type Accounts = readonly Pick<Member, "account">[];

/**
 * Whose a group is (account hash): its owner's; while that one is no member, the admin's who was named first and is one.
 * Null when there is nobody of them, and in a direct conversation.
 */
export function ownerOf({ creator, admins, direct }: Leaders, members: Accounts): Uint8Array | null {
  if (direct) return null;
  return [creator, ...admins].find((account) => members.some((member) => equal(member.account, account))) ?? null;
}

/** The role of a member (account hash, 32 bytes). */
export function roleOf(data: Leaders, members: Accounts, account: Uint8Array): Role {
  const owner = ownerOf(data, members);
  if (owner && equal(owner, account)) return "owner";
  return isOneOf(account, data.admins) ? "admin" : "member";
}

/** Whether an account may remove others, rename, and set the timer. `members` are those before the change. */
export function administers(data: Leaders, members: Accounts, account: Uint8Array): boolean {
  return ownerOf(data, members) === null || roleOf(data, members, account) !== "member";
}

/** Whom an owner who goes leaves the group to: the admin who was named first, else any member; null when alone. */
export function heirOf(data: Leaders, members: Accounts, owner: Uint8Array): Uint8Array | null {
  const others = members.filter(({ account }) => !equal(account, owner));
  return ownerOf(data, others) ?? others[0]?.account ?? null;
}

/** The data of a group that is handed over to `heir`. */
export function handedTo(data: GroupDataFields, heir: Uint8Array): GroupDataFields {
  return { ...data, creator: heir, admins: data.admins.filter((admin) => !equal(admin, heir)) };
}

/**
 * The leaves that a change takes away and that may need their accounts' word, who must list them no more: all but own ones
 * when its maker has no rights, and those of who leads the group in any case.
 */
export function removalsToJustify(change: JudgedChange, members: readonly Member[]): Member[] {
  const { committer: { account: own }, before } = change;
  const hasRights = administers(before, members, own);
  // Not the owner's alone: when that one is gone, the next one's may go in the same change.
  const leads = (account: Uint8Array) => equal(before.creator, account) || isOneOf(account, before.admins);
  return othersRemoved(change).filter(({ account }) => !hasRights || (!before.direct && leads(account)));
}

/** Leaves of other accounts that go. One that is replaced by one of the same device takes nobody away. */
function othersRemoved({ committer: { account: own }, added, removed }: JudgedChange): Member[] {
  const replaced = (gone: Member) =>
    added.some(({ account, device }) => equal(device, gone.device) && equal(account, gone.account));
  return removed.filter((gone) => !equal(gone.account, own) && !replaced(gone));
}

/**
 * Why a change breaks the rules, as the end of a sentence; null when it does not. `gone`: leaves whose accounts list their
 * devices no more; with those of them that the change removes go their rights, before anything else of it is judged.
 */
export function faultOf(change: JudgedChange, members: readonly Member[], gone: readonly Member[] = []): string | null {
  const { committer, external, added, removed, before } = change;
  const own = committer.account;
  const isIn = (leaves: readonly Member[], { leaf }: Member) => leaves.some((one) => one.leaf === leaf);
  const present = members.filter((member) => !isIn(gone, member) || !isIn(removed, member));
  const owner = ownerOf(before, present);
  const mayAll = administers(before, present, own);
  const others = othersRemoved(change).filter((member) => !isIn(gone, member));
  if (external) {
    const only = added.every(({ device }) => equal(device, committer.device)) &&
      removed.every(({ device }) => equal(device, committer.device));
    if (!only) return "whoever joins by itself changes nothing else";
    if (!sameData(before, change.after)) return "whoever joins by itself changes nothing else";
  }
  if (before.direct && !added.every(({ account }) => isOneOf(account, before.direct!))) {
    return "a direct conversation has the devices of two people";
  }
  if (!mayAll && others.length > 0) return "only the owner and admins may remove others";
  if (owner && others.some(({ account }) => equal(account, owner))) return "nobody removes the owner";
  const left = [...present.filter((member) => !isIn(removed, member)), ...added];
  return dataFault(change, { owner, mayAll, left });
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
  if (!isOneOf(own, direct)) return "it is the direct conversation of other people";
  if (!equal(directGroupId(direct[0], direct[1]), group)) return "its id is not the one of this direct conversation";
  return members.every(({ account }) => isOneOf(account, direct)) ? null : "a direct conversation has two people";
}

/** A group's name as it is kept: like a contact's; `bad_name` for what cannot be one. */
export function groupName(text: string): string {
  try {
    return contactName(text.startsWith("#") ? text.slice(1) : text);
  } catch (cause) {
    throw new QightError("bad_name", `"${text}" cannot be the name of a group`, { cause });
  }
}

/** Who may change the data of a group, and who is in it afterwards. */
interface Judges {
  readonly owner: Uint8Array | null;
  readonly mayAll: boolean;
  readonly left: Accounts;
}

function dataFault({ committer, before, after }: JudgedChange, { owner, mayAll, left }: Judges): string | null {
  if (!sameDirect(before.direct, after.direct)) return "the people of a direct conversation stay";
  if (!equal(before.creator, after.creator)) {
    if (before.direct) return "who began a direct conversation stays";
    if (!owner || !equal(owner, committer.account)) return "only the owner hands the group over";
    if (!left.some(({ account }) => equal(account, after.creator))) return "only a member can be the owner";
  }
  // The order says who comes after the owner.
  if (!sameList(before.admins, after.admins)) {
    if (before.direct) return "a direct conversation has no admins";
    if (owner && !equal(owner, committer.account)) return "only the owner names admins";
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
    sameList(a.admins, b.admins) && sameDirect(a.direct, b.direct);
}

function sameDirect(a: GroupDataFields["direct"], b: GroupDataFields["direct"]): boolean {
  if (a === null || b === null) return a === b;
  return equal(a[0], b[0]) && equal(a[1], b[1]);
}

function sameList(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((one, at) => equal(one, b[at]));
}
