/** A group as people and scripts see it. @module */
import type { GroupMember, GroupView } from "../client/groups.ts";
import { deviceFingerprint, formatAccountId } from "../crypto/account.ts";
import { formatDuration } from "../relay/config/durations.ts";

/** Contact names by account hash in hex. */
export type ContactNames = ReadonlyMap<string, string>;

/** The JSON form of a group; fields are only ever added. */
export function groupFields(view: GroupView) {
  const { group, name, status, role, members, disappearAfterS, joinedAtMs, epoch, suite } = view;
  const owner = members.find((member) => member.role === "owner");
  return {
    id: group.toHex(),
    name,
    status,
    role,
    members: members.length,
    owner: owner ? formatAccountId(owner.account) : null,
    disappear_after_s: disappearAfterS,
    joined_at: new Date(joinedAtMs).toISOString(),
    epoch,
    suite,
  };
}

/** One line for a list: `#ops  3 members  owner`. */
export function groupLine(view: GroupView): string {
  const { name, status, role, members, disappearAfterS } = view;
  const what = status === "active" ? role : STATES[status] ?? status;
  if (OVER.has(status)) return `#${name}  ${what}`;
  const timer = disappearAfterS > 0 ? [`lines go ${formatDuration(disappearAfterS * 1000)} after reading`] : [];
  return [`#${name}`, members.length === 1 ? "1 member" : `${members.length} members`, what, ...timer].join("  ");
}

/** The JSON form of a member. */
export async function memberFields({ account, role, own, devices }: GroupMember, names: ContactNames) {
  const name = names.get(account.toHex());
  const prints = await Promise.all(devices.map((device) => deviceFingerprint(device)));
  return { id: formatAccountId(account), ...(name === undefined ? {} : { name }), role, own, devices: prints };
}

/** One line for a member: `bob  qid1…  admin`. */
export function memberLine({ account, role, own, devices }: GroupMember, names: ContactNames): string {
  const name = own ? "you" : names.get(account.toHex()) ?? "-";
  const more = devices.length > 1 ? [`${devices.length} devices`] : [];
  return [name, formatAccountId(account), role, ...more].join("  ");
}

/** Nobody tells any more who is in it. */
const OVER: ReadonlySet<GroupView["status"]> = new Set(["left", "removed"]);

const STATES: Partial<Record<GroupView["status"], string>> = {
  joining: "waits for your yes: qight group join",
  stuck: "waits for a change to be undone",
  left: "you left",
  removed: "you were removed",
};
