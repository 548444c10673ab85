/**
 * What happens to groups, as typed events that are kept until they were shown.
 * @module
 */
import { equal, isOneOf } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import type { GroupEventRow, GroupRow, Tables } from "../storage/store.ts";

/** Why a group was joined anew although this device is a member. */
export type HealReason =
  /** There was no state of it here any more. */
  | "lost_state"
  /** The state is older than the relay's log of commits. */
  | "too_old"
  /** The state is of an older copy of the store: a commit that this device made is not known here. */
  | "restored"
  /** The views of two members differ. */
  | "fork"
  /** A commit could not be taken in, and the others went on with it. */
  | "refused_commit"
  /** The relay took back what was taken in here. */
  | "reopened";

/** What happened; people as account hashes of 32 bytes. */
export type Happening =
  /** This device is a member now; `by` is null when it joined by itself. */
  | { readonly kind: "joined"; readonly by: Uint8Array | null }
  | { readonly kind: "member_added"; readonly by: Uint8Array; readonly account: Uint8Array }
  /** `by` and `account` are the same when somebody left. */
  | { readonly kind: "member_removed"; readonly by: Uint8Array; readonly account: Uint8Array }
  | { readonly kind: "renamed"; readonly by: Uint8Array; readonly from: string; readonly to: string }
  /** Lines go so many seconds after they were read; 0 = they stay. */
  | { readonly kind: "timer"; readonly by: Uint8Array; readonly seconds: number }
  | { readonly kind: "admin"; readonly by: Uint8Array; readonly account: Uint8Array; readonly on: boolean }
  /**
   * Whose the group is now, null when nobody is left who led it. `by` handed it over; null when it came about by itself,
   * because the owner is no member any more, or again.
   */
  | { readonly kind: "owner"; readonly by: Uint8Array | null; readonly account: Uint8Array | null }
  /** An account was deleted by its owner. */
  | { readonly kind: "account_ended"; readonly account: Uint8Array }
  /** This device is no member any more; `by` is null when nobody says who did it. */
  | { readonly kind: "removed_me"; readonly by: Uint8Array | null }
  /** The views of two members differ; what follows is `healed`. */
  | { readonly kind: "forked" }
  /** Joined anew; messages from `fromEpoch` (null: any) until `toEpoch` may be lost. */
  | {
    readonly kind: "healed";
    readonly why: HealReason;
    readonly fromEpoch: number | null;
    readonly toEpoch: number;
  }
  /** A commit was refused here; `undone`: the relay took it back. `by` is null when its maker is no member. */
  | { readonly kind: "refused_commit"; readonly by: Uint8Array | null; readonly undone: boolean };

/** Something that happened to a group, for whoever shows it. */
export interface GroupEvent {
  readonly type: "group";
  /** Where it stands among what was not shown. */
  readonly place: number;
  readonly group: Uint8Array; // 32 bytes
  /** The group's name here; empty for a direct conversation, or when the group is forgotten. */
  readonly name: string;
  /** The other side of a direct conversation: account hash, 32 bytes; null for a group. */
  readonly peer: Uint8Array | null;
  /** When the relay took it in, or else when it was noticed here, milliseconds since 1970. */
  readonly atMs: number;
  readonly happened: Happening;
}

/** Whether it leaves something to do (`Groups.tend`): a leaf to remove, or a KeyPackage that a Welcome used up. */
export function isToTend({ happened }: GroupEvent): boolean {
  switch (happened.kind) {
    case "joined":
      return true;
    case "member_removed":
      return equal(happened.by, happened.account);
    case "refused_commit":
      return happened.undone;
    default:
      return false;
  }
}

/** What is news: that these are out was told when they said that they leave, or were put out. */
export function untold(happened: readonly Happening[], leavers: readonly Uint8Array[]): Happening[] {
  return happened.filter((one) => one.kind !== "member_removed" || !isOneOf(one.account, leavers));
}

/** Inside a transaction: keeps what happened to a group. */
export function keepEvents(
  { groups }: Pick<Tables, "groups">,
  { relay, group }: Pick<GroupRow, "relay" | "group">,
  atMs: number,
  happened: readonly Happening[],
): void {
  for (const one of happened) groups.addEvent({ relay, group, atMs, event: encode(one) });
}

/** Happenings as text, for a commit whose fate is not known. */
export function writeHappenings(happened: readonly Happening[]): string {
  return JSON.stringify(happened.map(encode));
}

/** Happenings of a text that `writeHappenings` made. */
export function readHappenings(text: string): Happening[] {
  return (JSON.parse(text) as string[]).map(decode);
}

/** A kept event with the name that its group has now. */
export function eventOf({ place, group, atMs, event }: GroupEventRow, row: GroupRow | null): GroupEvent {
  return { type: "group", place, group, name: row?.name ?? "", peer: row?.peer ?? null, atMs, happened: decode(event) };
}

/** One plain sentence; `nameOf` says what accounts are called, `own` is the own account hash. */
export function sentenceOf(happened: Happening, nameOf: (account: Uint8Array) => string, own: Uint8Array): string {
  const who = (account: Uint8Array | null) =>
    account === null ? "somebody" : account.toHex() === own.toHex() ? "you" : nameOf(account);
  switch (happened.kind) {
    case "joined":
      if (happened.by?.toHex() === own.toHex()) return "another device of yours brought this one in";
      return happened.by ? `${who(happened.by)} added you` : "you joined";
    case "member_added":
      return happened.by.toHex() === happened.account.toHex()
        ? `${who(happened.account)} joined`
        : `${who(happened.by)} added ${who(happened.account)}`;
    case "member_removed":
      return happened.by.toHex() === happened.account.toHex()
        ? `${who(happened.account)} left`
        : `${who(happened.by)} removed ${who(happened.account)}`;
    case "renamed":
      return `${who(happened.by)} renamed the group to "${happened.to}"`;
    case "timer":
      return happened.seconds === 0
        ? `${who(happened.by)} switched disappearing messages off`
        : `${who(happened.by)} made messages disappear ${span(happened.seconds)} after reading`;
    case "admin":
      return `${who(happened.by)} made ${who(happened.account)} ${
        happened.on ? "an admin" : "a member without rights"
      }`;
    case "owner":
      if (happened.account === null) return "nobody owns the group any more: every member may name admins";
      if (happened.by !== null) return `${who(happened.by)} made ${who(happened.account)} the owner`;
      return equal(happened.account, own) ? "you are the owner now" : `${who(happened.account)} is the owner now`;
    case "account_ended":
      return `${who(happened.account)} deleted the account`;
    case "removed_me":
      return happened.by ? `${who(happened.by)} removed you` : "you are no member any more";
    case "forked":
      return "the members' views of this conversation differ; joining it anew";
    case "healed":
      return `joined anew (${REASONS[happened.why]}); messages in between may be lost`;
    case "refused_commit":
      return `a change by ${who(happened.by)} was refused: it breaks the rules of the group` +
        (happened.undone ? ", and it was undone" : "");
  }
}

/** A whole number of the largest unit that gives one, as durations are written: 7d, 90m, 5s. */
function span(seconds: number): string {
  const units = [["d", 86_400], ["h", 3_600], ["m", 60]] as const;
  const [unit, size] = units.find(([, size]) => seconds % size === 0) ?? ["s", 1];
  return `${seconds / size}${unit}`;
}

const REASONS: Record<HealReason, string> = {
  lost_state: "its state was not here",
  too_old: "too long away",
  restored: "this store is an older copy",
  fork: "the views differed",
  refused_commit: "a change could not be taken in",
  reopened: "a change was taken back",
};

function encode(happened: Happening): string {
  return JSON.stringify(happened, (_, value) => value instanceof Uint8Array ? HEX_MARK + value.toHex() : value);
}

function decode(text: string): Happening {
  const value = JSON.parse(text, (_, part) => {
    return typeof part === "string" && part.startsWith(HEX_MARK)
      ? Uint8Array.fromHex(part.slice(HEX_MARK.length))
      : part;
  });
  if (typeof value?.kind !== "string") throw new QightError("invariant", "A kept event of a group has no kind");
  return value;
}

// A control character cannot begin a group's name (client/contacts.ts), so no name is taken for bytes.
const HEX_MARK = "\u0001";
