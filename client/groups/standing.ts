/**
 * The conversation of two people as it stands: who only writes into it loads nothing of what begins or changes one.
 * @module
 */
import { directGroupId } from "../../crypto/direct_group.ts";
import { equal } from "../../crypto/equal.ts";
import { isMember } from "./member_row.ts";
import type { GroupRoom } from "./room.ts";

/** What is asked of a conversation that stands. */
export type StandingRoom = Pick<GroupRoom, "account" | "relay" | "store" | "states">;

/**
 * The id of the conversation with an account (hash, 32 bytes) when it can be written to as it is; null when it has to be
 * begun or completed, or must not be written to: `openDirect` does the one and says the other.
 */
export async function standingDirect(room: StandingRoom, peer: Uint8Array): Promise<Uint8Array | null> {
  const { account, relay, store } = room;
  const group = directGroupId(account, peer);
  const { row, blocked } = await store.read(({ contacts, groups }) => {
    return { row: groups.get(relay, group), blocked: contacts.ofAccount(peer)?.blocked ?? false };
  });
  return !blocked && isMember(row) && !await isAlone(room, group, peer) ? group : null;
}

/** Those of these devices that have no leaf in a group. */
export async function absentFrom(
  room: StandingRoom,
  group: Uint8Array,
  devices: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  const members = await membersOf(room, group);
  return devices.filter((key) => !members.some(({ device }) => equal(device, key)));
}

/**
 * Whether the other side of a direct conversation has no leaf in it, and with oneself (`peer` is the own account) no other
 * device: it was made here, and they were not added yet.
 */
export async function isAlone(room: StandingRoom, group: Uint8Array, peer: Uint8Array): Promise<boolean> {
  const members = await membersOf(room, group);
  const theirs = members.filter(({ account }) => equal(account, peer)).length;
  return members.length > 0 && theirs < (equal(peer, room.account) ? 2 : 1);
}

/** Whose leaf is whose in a group (32 bytes each); none when no state of it is here. */
async function membersOf(
  { store, states, relay }: StandingRoom,
  group: Uint8Array,
): Promise<readonly { readonly account: Uint8Array; readonly device: Uint8Array }[]> {
  const { describe } = await import("../../crypto/mls/state.ts");
  // A transaction only because decoding awaits, and nobody may save in between.
  return await store.write(async (tables) => {
    const loaded = await states.load(tables, relay, group);
    return loaded ? describe(loaded.state).members : [];
  });
}
