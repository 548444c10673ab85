/**
 * Comes into a group that somebody added this device to: by the Welcome that waits at the relay.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import { fromHex } from "../../crypto/hex.ts";
import type { Member } from "../../crypto/mls/credential.ts";
import { joinFromWelcome } from "../../crypto/mls/join.ts";
import { describe } from "../../crypto/mls/state.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import type { GroupStatus } from "../storage/store.ts";
import { keepEvents } from "./events.ts";
import { lookAgain } from "./key_packages.ts";
import { areGoneLater } from "./passing.ts";
import { isIn, mayJoin } from "./rejoin.ts";
import { callsOf, type GroupRoom } from "./room.ts";
import { firstRow, localName } from "./rows.ts";

/** `none`: no Welcome waits, or it opens with no key that is here. `refused`: this group is not one to be in. */
export type Welcomed = "joined" | "refused" | "none";

/** Takes the Welcome that waits for this device, if one does. A group that this device is in already stays as it is. */
export async function takeWelcome(room: GroupRoom, group: Uint8Array): Promise<Welcomed> {
  const { relay, store, clock } = room;
  const { calls } = await callsOf(room);
  const waiting = await calls.getWelcome(group);
  if (!waiting) return "none";
  const before = await store.read(({ groups }) => groups.get(relay, group));
  let refusal: QightError | null = null;
  // Listed when the Welcome was written, perhaps, and revoked since.
  let unlisted: readonly Member[] = [];
  let joined;
  try {
    joined = await joinFromWelcome(waiting.welcome, (ref) => findPackage(room, ref), {
      nowMs: clock.now(),
      check: async (members, data) => {
        try {
          const inviter = members.find(({ device }) => equal(device, waiting.device));
          if (!isIn(room, members)) await refuseBlocked(room, inviter?.account);
          await mayJoin(room, group, null, members, data, (leaves) => unlisted = leaves);
        } catch (thrown) {
          refusal = asQightError(thrown);
          throw refusal;
        }
      },
    });
  } catch (thrown) {
    const error = asQightError(thrown);
    if (error.code !== "bad_group_message" && error.code !== "blocked") throw error;
    if (refusal === null) return "none";
    await calls.leaveGroup(group);
    return "refused";
  }
  const { state, ref } = joined;
  const { group: inside, epoch, members } = describe(state);
  if (!equal(inside, group) || epoch !== waiting.epoch) return "none";
  const doubtful = new Set(unlisted.map(({ device }) => device.toHex()));
  if (doubtful.size > 0 && !await areGoneLater(room, { group, epoch }, state, doubtful)) {
    await calls.leaveGroup(group);
    return "refused";
  }
  const by = members.find(({ device }) => equal(device, waiting.device))?.account ?? null;
  await store.write(async (tables) => {
    const now = tables.groups.get(relay, group);
    // A Welcome into a group whose state is good here would let any member put this device into a world of its own:
    // who was removed and added again takes the removal in first.
    if (now && now.status !== "left" && now.status !== "removed") return;
    const row = firstRow(relay, state, room.account, clock.now());
    const isOwn = by !== null && equal(by, room.account);
    const status = isOwn ? "active" : statusFor(room, before?.status ?? null, row.kind);
    await room.states.save(tables, { ...row, status, name: localName(tables.groups, row) }, state);
    if (row.kind === "group") keepEvents(tables, row, clock.now(), [{ kind: "joined", by }]);
    tables.keyPackages.use(ref);
    lookAgain(tables);
  });
  // Who asks for commits from there on is in: the relay forgets the Welcome, and nobody joins an old epoch by it again.
  await Array.fromAsync(calls.commits(group, epoch, 1));
  return "joined";
}

/** Groups that others bring one into may wait for a yes; whoever had left waits for one in any case. */
function statusFor({ askFirst }: GroupRoom, before: GroupStatus | null, kind: "direct" | "group"): GroupStatus {
  return kind === "group" && (askFirst || before === "left") ? "joining" : "active";
}

async function findPackage({ store }: GroupRoom, ref: string) {
  return await store.read(({ keyPackages }) => keyPackages.get(fromHex(ref)));
}

async function refuseBlocked({ store }: GroupRoom, account: Uint8Array | undefined): Promise<void> {
  if (!account) return;
  const contact = await store.read(({ contacts }) => contacts.ofAccount(account));
  if (contact?.blocked) throw new QightError("blocked", `"${contact.name}" is blocked`);
}
