/**
 * Leaves a group, and removes the leaves of others who left.
 * @module
 */
import { equal, isOneOf } from "../../crypto/equal.ts";
import { describe } from "../../crypto/mls/state.ts";
import { asQightError, type QightError } from "../../proto/errors.ts";
import type { GroupRow, Tables } from "../storage/store.ts";
import { change } from "./change.ts";
import { eventOf, keepEvents } from "./events.ts";
import { isMember } from "./member_row.ts";
import { bringTo } from "./reach.ts";
import { administers, handedTo, heirOf, ownerOf, roleOf } from "./roles.ts";
import { callsOf, type GroupRoom } from "./room.ts";

/**
 * Leaves: the relay delivers nothing more, and the state is erased. An owner first hands the group over, so that somebody
 * may remove the leaf. `say` tells the others, while this device still may.
 */
export async function leaveGroup(room: GroupRoom, group: Uint8Array, say?: () => Promise<void>): Promise<void> {
  const { relay, store, states } = room;
  if (await bringTo(room, group) !== "none") {
    await handOver(room, group);
    await say?.();
  }
  const { calls } = await callsOf(room);
  try {
    await calls.leaveGroup(group);
  } catch (thrown) {
    if (asQightError(thrown).code !== "not_a_member") throw thrown; // gone already
  }
  await store.write((tables) => {
    const row = tables.groups.get(relay, group);
    if (!isMember(row)) return;
    states.saveRow(tables, { ...row, status: "left" }, "erase");
    if (say && row.status !== "joining") noteLeft(room, tables, row);
  });
}

/** Whoever leaves was told so; it stands in the history, as what was said before does, and no reader tells it again. */
function noteLeft({ account, clock, onOwnChange }: GroupRoom, tables: Tables, row: GroupRow): void {
  const { groups } = tables;
  if (!onOwnChange) return;
  keepEvents(tables, row, clock.now(), [{ kind: "member_removed", by: account, account }]);
  const event = groups.events(row.relay).at(-1)!;
  onOwnChange(tables, [eventOf(event, row)]);
  groups.forgetEvents([event.place]);
}

/**
 * Inside a transaction: a member said that they leave; whoever may shall remove their leaves (`removeLeavers`). When
 * another device of the own account said so, this one leaves too.
 */
export function noteLeaver(
  tables: Pick<Tables, "groups">,
  { relay, clock }: Pick<GroupRoom, "relay" | "clock">,
  group: Uint8Array,
  account: Uint8Array,
): void {
  const row = tables.groups.get(relay, group);
  if (!row || isOneOf(account, tables.groups.leavers(relay, group))) return;
  tables.groups.addLeaver(relay, group, account, "said");
  keepEvents(tables, row, clock.now(), [{ kind: "member_removed", by: account, account }]);
}

/**
 * After a change was taken back: notes whose device the relay took off the roster for it, also when others' reports did
 * that while this device was away or had its own on the way. Their leaves go with those of members who left.
 */
export async function noteUndone(room: GroupRoom, group: Uint8Array): Promise<void> {
  const { relay, store, states, clock } = room;
  const { calls } = await callsOf(room);
  const listed = new Set((await calls.getGroup(group)).roster.map((device) => device.toHex()));
  await store.write(async (tables) => {
    const loaded = await states.load(tables, relay, group);
    if (!loaded || !isMember(loaded.row)) return;
    const { members } = describe(loaded.state);
    const known = tables.groups.leavers(relay, group);
    const accounts = Map.groupBy(members, ({ account }) => account.toHex());
    for (const leaves of accounts.values()) {
      const [{ account }] = leaves;
      if (leaves.some(({ device }) => listed.has(device.toHex())) || isOneOf(account, known)) continue;
      tables.groups.addLeaver(relay, group, account, "put_out");
      keepEvents(tables, loaded.row, clock.now(), [{ kind: "refused_commit", by: account, undone: true }]);
    }
  });
}

/** Removes the leaves of members who left, where this account may. Answers what went wrong: a later try may do. */
export async function removeLeavers(room: GroupRoom): Promise<QightError[]> {
  const { relay, store } = room;
  const due = await store.read(({ groups }) =>
    groups.all().filter((row) => row.relay === relay && row.status === "active")
      .map((row) => ({ row, leavers: groups.leavers(relay, row.group) })).filter(({ leavers }) => leavers.length > 0)
  );
  const errors: QightError[] = [];
  for (const { row, leavers } of due) {
    try {
      if (isOneOf(room.account, leavers)) await leaveGroup(room, row.group);
      else {
        const remove = await removable(room, row, leavers);
        if (remove.length > 0) await change(room, row.group, { remove });
      }
    } catch (thrown) {
      errors.push(asQightError(thrown));
    }
  }
  return errors;
}

async function handOver(room: GroupRoom, group: Uint8Array): Promise<void> {
  const heir = await room.store.write(async (tables) => {
    const loaded = await room.states.load(tables, room.relay, group);
    if (!loaded) return null;
    const { data, members } = describe(loaded.state);
    return roleOf(data, members, room.account) === "owner" ? heirOf(data, members, room.account) : null;
  });
  if (heir) await change(room, group, { data: (data) => handedTo(data, heir) });
}

/** Those of these accounts that the own one may remove. */
async function removable(room: GroupRoom, { group }: GroupRow, leavers: readonly Uint8Array[]): Promise<Uint8Array[]> {
  return await room.store.write(async (tables) => {
    const loaded = await room.states.load(tables, room.relay, group);
    if (!loaded) return [];
    const { data, members } = describe(loaded.state);
    if (!administers(data, members, room.account)) return [];
    // Whose change was taken back may be the owner.
    const owner = ownerOf(data, members);
    return leavers.filter((account) => !owner || !equal(account, owner));
  });
}
