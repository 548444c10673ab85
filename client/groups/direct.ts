/**
 * The conversation of two people: one group for each pair, whoever begins it, also when both do so at once.
 * @module
 */
import { directGroupId, inByteOrder } from "../../crypto/direct_group.ts";
import { equal } from "../../crypto/equal.ts";
import { createGroup } from "../../crypto/mls/create.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { pause } from "../clock.ts";
import { change } from "./change.ts";
import { claimAll, type Claimed } from "./claim.ts";
import { takeWelcome } from "./join.ts";
import { noteMadeHere } from "./made_here.ts";
import { isMember } from "./member_row.ts";
import { bringTo } from "./reach.ts";
import { callsOf, type GroupRoom } from "./room.ts";
import { firstRow } from "./rows.ts";
import { isAlone } from "./standing.ts";

/** Who lost the race waits so long for the other one's Welcome, milliseconds, looking again after growing pauses. */
const WELCOME_WAIT_MS = 3_000;
const FIRST_LOOK_MS = 40;

/**
 * The id of the conversation with an account (hash, 32 bytes), begun when there is none. The one with the own account is
 * between its devices. `no_key_package` when no (other) device of theirs can be added yet, or they begin it themselves just
 * now and do not come to an end; `blocked`.
 */
export async function openDirect(room: GroupRoom, peer: Uint8Array): Promise<Uint8Array> {
  const { relay, account, store, clock, random } = room;
  if (equal(peer, account) && (await room.directory.latest(account))?.devices.length === 1) {
    throw new QightError("no_key_package", "There is nobody else in a conversation with oneself");
  }
  const group = directGroupId(account, peer);
  const contact = await store.read(({ contacts }) => contacts.ofAccount(peer));
  if (contact?.blocked) throw new QightError("blocked", `"${contact.name}" is blocked`);
  const claimed: Claimed = new Map();
  const untilMs = clock.monotonic() + Math.min(WELCOME_WAIT_MS, room.timeoutMs);
  for (let tries = 0;; tries++) {
    if (isMember(await store.read(({ groups }) => groups.get(relay, group)))) {
      if (!await isAlone(room, group, peer)) return group;
      await complete(room, group, peer, claimed);
      if (!equal(peer, account) || !await isAlone(room, group, peer)) return group;
      throw noOtherDevice();
    }
    if (await takeWelcome(room, group) === "joined") continue;
    if (await begin(room, group, peer, claimed)) continue;
    // The group is there: this device made it once and lost the state, or the other side is about to let it in.
    if (await bringTo(room, group) !== "none") continue;
    const pauseMs = FIRST_LOOK_MS * 2 ** Math.min(tries, 5) * (1 + random(1)[0] / 255);
    if (clock.monotonic() + pauseMs >= untilMs) break;
    await pause(clock, pauseMs);
  }
  throw new QightError("no_key_package", "The other side has begun this conversation and not let this device in yet");
}

/** Makes the group here and at the relay; false when it is there already. */
async function begin(room: GroupRoom, group: Uint8Array, peer: Uint8Array, claimed: Claimed): Promise<boolean> {
  const { account, signer, relay, clock, store, states, suite } = room;
  // Before anything is there: with somebody who cannot be added there is no conversation.
  await claimAll(room, [peer], suite, claimed);
  if (equal(peer, account) && claimed.get(peer.toHex())?.length === 0) throw noOtherDevice();
  const data = { name: "", creator: account, admins: [], direct: inByteOrder(account, peer), disappearAfterS: 0 };
  const made = await createGroup({ suite, group, owner: { account, signer }, data, nowMs: clock.now() });
  const { calls } = await callsOf(room);
  try {
    await calls.createGroup({ group, suite, directWith: peer, groupInfo: made.groupInfo });
  } catch (thrown) {
    if (asQightError(thrown).code === "group_exists") return false;
    throw thrown;
  }
  await store.write(async (tables) => {
    // Another process of this device may have been faster.
    if (isMember(tables.groups.get(relay, group))) return;
    await states.save(tables, firstRow(relay, made.state, account, clock.now()), made.state);
    noteMadeHere(tables, { relay, group });
  });
  return true;
}

/** Adds the other side, and the own other devices. */
async function complete(room: GroupRoom, group: Uint8Array, peer: Uint8Array, claimed: Claimed): Promise<void> {
  await change(room, group, { add: [peer], tidy: true }, claimed);
}

function noOtherDevice(): QightError {
  return new QightError("no_key_package", "No other device of this account can be added to a conversation yet");
}
