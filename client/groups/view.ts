/**
 * Groups as people see them.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import { describe } from "../../crypto/mls/state.ts";
import { QightError } from "../../proto/errors.ts";
import type { GroupRow } from "../storage/store.ts";
import { isMember } from "./member_row.ts";
import { type Role, roleOf } from "./roles.ts";
import type { GroupRoom } from "./room.ts";

/** Somebody in a group. */
export interface GroupMember {
  readonly account: Uint8Array; // account hash, 32 bytes
  /** Device keys, 32 bytes each. */
  readonly devices: readonly Uint8Array[];
  readonly role: Role;
  /** This is the own account. */
  readonly own: boolean;
}

/** A group with its members; for one that is over, without. */
export interface GroupView {
  readonly group: Uint8Array; // 32 bytes
  /** What `#NAME` calls it here; empty for a direct conversation. */
  readonly name: string;
  readonly kind: GroupRow["kind"];
  /** The other side of a direct conversation: account hash; null for a group. */
  readonly peer: Uint8Array | null;
  readonly status: GroupRow["status"];
  readonly epoch: number;
  /** MLS cipher suite: 83 (X-Wing) or 1. */
  readonly suite: number;
  /** What the own account is in it. */
  readonly role: Role;
  /** The owner, then admins, then members, each in the order they came. */
  readonly members: readonly GroupMember[];
  /** Lines go so many seconds after they were read; 0 = they stay. */
  readonly disappearAfterS: number;
  readonly joinedAtMs: number;
}

/** What is known here of a group, without asking anybody. */
export async function viewOf(
  { store, states, account }: Pick<GroupRoom, "store" | "states" | "account">,
  row: GroupRow,
): Promise<GroupView> {
  const { group, name, kind, peer, status, epoch, suite, joinedAtMs } = row;
  const about = { group, name, kind, peer, status, epoch, suite, joinedAtMs };
  // A transaction only because decoding awaits, and nobody may save in between.
  const loaded = isMember(row) ? await store.write((tables) => states.load(tables, row.relay, group)) : null;
  if (!loaded) return { ...about, role: "member", members: [], disappearAfterS: 0 };
  const { members, data } = describe(loaded.state);
  const people = [...Map.groupBy(members, (member) => member.account.toHex()).values()].map((leaves): GroupMember => ({
    account: leaves[0].account,
    devices: leaves.map(({ device }) => device),
    role: roleOf(data, members, leaves[0].account),
    own: equal(leaves[0].account, account),
  }));
  people.sort((a, b) => RANK[a.role] - RANK[b.role]); // stable: the order they came in stays
  return { ...about, role: roleOf(data, members, account), members: people, disappearAfterS: data.disappearAfterS };
}

/** The group that `#NAME`, `NAME` or 64 hex digits mean. `no_such_group`; `not_a_member` for one that is over. */
export async function findGroup({ store, relay }: Pick<GroupRoom, "store" | "relay">, word: string): Promise<GroupRow> {
  const name = word.replace(/^#/, "");
  const isId = /^[0-9a-f]{64}$/i.test(name);
  const row = await store.read(({ groups }) =>
    isId ? groups.get(relay, Uint8Array.fromHex(name)) : groups.ofName(name)
  );
  if (row?.kind === "group" && row.relay !== relay) {
    throw new QightError("no_such_group", `#${row.name} is at another relay`, { hint: "Choose it with --relay." });
  }
  if (row?.kind === "group" && isMember(row)) return row;
  const all = await store.read(({ groups }) => groups.all());
  const over = all.some((one) => one.kind === "group" && one.name.toLowerCase() === name.toLowerCase());
  if (row?.kind === "group" || over) {
    throw new QightError("not_a_member", `You are no member of #${row?.name ?? name} any more`);
  }
  throw new QightError("no_such_group", `There is no group #${name}`);
}

const RANK: Record<Role, number> = { owner: 0, admin: 1, member: 2 };
