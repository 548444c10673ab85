/**
 * Begins a group: its first member is this device; the others, own devices among them, come with the first commit.
 * @module
 */
import { createGroup } from "../../crypto/mls/create.ts";
import { QightError } from "../../proto/errors.ts";
import { change } from "./change.ts";
import { claimAll, type Claimed } from "./claim.ts";
import { noteMadeHere } from "./made_here.ts";
import { groupName } from "./roles.ts";
import { callsOf, type GroupRoom } from "./room.ts";
import { firstRow } from "./rows.ts";

/**
 * Makes a group with these accounts (hashes, 32 bytes) and answers its id. All or nothing: when somebody cannot be added
 * (`no_key_package`, `no_such_recipient`) there is no group. `group_exists` when an own group has this name, `bad_name`.
 */
export async function beginGroup(room: GroupRoom, name: string, accounts: readonly Uint8Array[]): Promise<Uint8Array> {
  const { relay, account, signer, store, states, clock, random, suite } = room;
  const asWritten = groupName(name);
  if (await store.read(({ groups }) => groups.ofName(asWritten))) {
    throw nameTaken(asWritten);
  }
  const claimed: Claimed = new Map();
  await claimAll(room, accounts, suite, claimed);
  const group = random(32);
  const data = { name: asWritten, creator: account, admins: [], direct: null, disappearAfterS: 0 };
  const made = await createGroup({ suite, group, owner: { account, signer }, data, nowMs: clock.now() });
  const { calls } = await callsOf(room);
  await calls.createGroup({ group, suite, directWith: null, groupInfo: made.groupInfo });
  await store.write(async (tables) => {
    if (tables.groups.ofName(asWritten)) throw nameTaken(asWritten);
    await states.save(tables, firstRow(relay, made.state, account, clock.now()), made.state);
    noteMadeHere(tables, { relay, group });
  });
  const own = await room.directory.latest(account);
  const alone = accounts.length === 0 && (own?.devices.length ?? 1) < 2;
  if (!alone) await change(room, group, { add: accounts, tidy: true }, claimed);
  return group;
}

function nameTaken(name: string): QightError {
  return new QightError("group_exists", `You have a group #${name} already`, { hint: "Choose another name." });
}
