/**
 * Groups and direct conversations of one identity at one relay: the face of client/groups/.
 * @module
 */
import type { GroupPass } from "../crypto/invite.ts";
import { equal, isOneOf } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import type { GroupHint } from "./delivery_events.ts";
import { change, type Changed } from "./groups/change.ts";
import { beginGroup } from "./groups/create.ts";
import { bringInOwnDevices } from "./groups/own.ts";
import { type Progress, settleAll, tendDevices } from "./groups/devices.ts";
import { openDirect } from "./groups/direct.ts";
import { eventOf, type GroupEvent, type Happening, sentenceOf } from "./groups/events.ts";
import { makePass, usePass } from "./groups/invite_pass.ts";
import { ensureKeyPackages, IN_PEACE } from "./groups/key_packages.ts";
import { leaveGroup, noteLeaver, removeLeavers } from "./groups/leave.ts";
import { isMember } from "./groups/member_row.ts";
import { readmit } from "./groups/readmit.ts";
import { bringTo, comeBack, healFork, type Reached } from "./groups/reach.ts";
import { groupName, handedTo, type Role } from "./groups/roles.ts";
import type { GroupRoom } from "./groups/room.ts";
import { completeNow } from "./groups/complete.ts";
import { rejoinAll, type Rejoined, rejoinRest } from "./groups/seat.ts";
import { absentFrom } from "./groups/standing.ts";
import { GroupStates } from "./groups/states.ts";
import { compareGroups, followNotice } from "./groups/tend.ts";
import { findGroup, type GroupMember, type GroupView, viewOf } from "./groups/view.ts";
import type { GroupReach } from "./send_room.ts";
import type { GroupRow, Tables } from "./storage/store.ts";

export { sentenceOf };
export type { Changed, GroupEvent, GroupMember, GroupPass, GroupRow, GroupView, Happening, Reached, Role };

/** What groups need; times in milliseconds. */
export type GroupsOptions =
  & Omit<GroupRoom, "states" | "timeoutMs" | "askFirst" | "suite">
  & Partial<Pick<GroupRoom, "states" | "timeoutMs" | "askFirst" | "suite">>;

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * The groups of one identity. People are account hashes and groups are ids, 32 bytes each; `find` turns what somebody
 * typed into a group. Nothing here may be called inside a transaction of the store, unless it takes `tables`.
 *
 * @example
 * ```ts ignore
 * const { group } = await groups.create("ops", [ana, bo]);
 * await groups.invite(group, [eve]);
 * for (const { account, role } of (await groups.show(group)).members) console.log(account.toHex(), role);
 * ```
 */
export class Groups {
  /** Decoded states, for whoever seals and opens messages. */
  readonly states: GroupStates;
  readonly #room: GroupRoom;

  constructor(options: GroupsOptions) {
    this.states = options.states ?? new GroupStates(options.random);
    this.#room = { timeoutMs: DEFAULT_TIMEOUT_MS, askFirst: false, suite: 83, ...options, states: this.states };
  }

  /** The relay as dialled. */
  get relay(): string {
    return this.#room.relay;
  }

  /** Own account hash, 32 bytes. */
  get account(): Uint8Array {
    return this.#room.account;
  }

  // What people do.

  /** Makes a group; all members or none. `group_exists`, `bad_name`, `no_key_package`, `no_such_recipient`. */
  async create(name: string, members: readonly Uint8Array[] = []): Promise<GroupView> {
    return await this.show(await beginGroup(this.#room, name, members));
  }

  /** Adds people; who is in already stays. `no_key_package`, `no_such_recipient`, `blocked`. */
  invite(group: Uint8Array, members: readonly Uint8Array[]): Promise<Changed> {
    return change(this.#room, group, { add: members });
  }

  /** Removes people with all their devices. `not_allowed` for who is neither owner nor admin. */
  remove(group: Uint8Array, members: readonly Uint8Array[]): Promise<Changed> {
    return change(this.#room, group, { remove: members });
  }

  /** Gives the group another name, for all. `not_allowed`, `bad_name`. */
  rename(group: Uint8Array, name: string): Promise<Changed> {
    const asWritten = groupName(name);
    return change(this.#room, group, { data: (data) => ({ ...data, name: asWritten }) });
  }

  /** Lines go so many seconds after they were read; 0 = they stay. `not_allowed`. */
  setTimer(group: Uint8Array, seconds: number): Promise<Changed> {
    return change(this.#room, group, { data: (data) => ({ ...data, disappearAfterS: seconds }) });
  }

  /** Makes somebody an admin, or a plain member again. `not_allowed` for who is not the owner. */
  setAdmin(group: Uint8Array, account: Uint8Array, on: boolean): Promise<Changed> {
    return change(this.#room, group, {
      data: (data) => {
        const others = data.admins.filter((admin) => !equal(admin, account));
        // Who is one keeps the place among them: it says who comes after the owner.
        const isOne = others.length < data.admins.length;
        return { ...data, admins: !on ? others : isOne ? data.admins : [...others, account] };
      },
    });
  }

  /** Hands the group over to a member; the owner stays as an admin. `not_allowed` for who is not the owner. */
  setOwner(group: Uint8Array, account: Uint8Array): Promise<Changed> {
    const own = this.account;
    return change(this.#room, group, {
      data: (data) => {
        if (equal(data.creator, account)) return data;
        const handed = handedTo(data, account);
        const isOne = isOneOf(own, [account, ...handed.admins]);
        return isOne ? handed : { ...handed, admins: [...handed.admins, own] };
      },
    });
  }

  /** Renews the own keys in a group, so that whoever copied them is locked out. */
  renewKeys(group: Uint8Array): Promise<Changed> {
    return change(this.#room, group, { renew: true });
  }

  /** Says yes to a group that somebody added this device to (status `joining`). */
  async join(group: Uint8Array): Promise<void> {
    const { store, relay } = this.#room;
    await store.write((tables) => {
      const row = tables.groups.get(relay, group);
      if (row?.status !== "joining") return;
      this.states.saveRow(tables, { ...row, status: "active" }, "keep");
    });
  }

  /** Leaves, or says no to a group that asked. `say` sends `Left` to the others while this device still may. */
  leave(group: Uint8Array, say?: () => Promise<void>): Promise<void> {
    return leaveGroup(this.#room, group, say);
  }

  // What people see.

  /** The group that `#NAME`, `NAME` or 64 hex digits mean. `no_such_group`; `not_a_member` for one that is over. */
  find(word: string): Promise<GroupRow> {
    return findGroup(this.#room, word);
  }

  /** Groups that this device is in or was asked into, by name; not direct conversations, not those that are over. */
  async list(): Promise<GroupView[]> {
    const { store, relay } = this.#room;
    const rows = await store.read(({ groups }) => groups.all());
    const mine = rows.filter((row) => row.relay === relay && row.kind === "group" && isMember(row));
    const views: GroupView[] = [];
    for (const row of mine) views.push(await viewOf(this.#room, row));
    return views;
  }

  /** One group with its members, as it is known here. `no_such_group`. */
  async show(group: Uint8Array): Promise<GroupView> {
    const row = await this.row(group);
    if (!row) throw new QightError("no_such_group");
    return await viewOf(this.#room, row);
  }

  /** What is kept of a group, or null. */
  row(group: Uint8Array): Promise<GroupRow | null> {
    const { store, relay } = this.#room;
    return store.read(({ groups }) => groups.get(relay, group));
  }

  /** What groups are called now: `#NAME`, also of those that are over; the beginning of the id for an unknown one. */
  async titles(): Promise<(group: Uint8Array) => string> {
    const { store, relay } = this.#room;
    const rows = await store.read(({ groups }) => groups.all());
    const names = new Map(rows.filter((row) => row.relay === relay).map(({ group, name }) => [group.toHex(), name]));
    return (group) => `#${names.get(group.toHex()) || group.toHex().slice(0, 8)}`;
  }

  // For whoever sends.

  /** Direct conversations and catching up, as sending wants them: `stale_epoch` when a group cannot go on now. */
  get reach(): GroupReach {
    return {
      direct: (account) => this.direct(account),
      absent: (group, devices) => absentFrom(this.#room, group, devices),
      complete: (group) => completeNow(this.#room, group),
      readmit: (group, account) => readmit(this.#room, group, account),
      bringTo: async (group, epoch) => {
        if (await this.bringTo(group, epoch) !== "behind") return;
        throw new QightError("stale_epoch", "The group waits for a change to be taken back that breaks its rules");
      },
    };
  }

  /** The direct conversation with an account, begun when there is none. `no_key_package`, `blocked`, `unknown_method`. */
  direct(account: Uint8Array): Promise<Uint8Array> {
    return openDirect(this.#room, account);
  }

  /**
   * Takes in what is needed to be at `epoch`, or all there is: also when an own commit was lost on the way, or the state
   * has to be healed. What happened is kept as events. Never inside a transaction.
   */
  bringTo(group: Uint8Array, epoch?: number): Promise<Reached> {
    return bringTo(this.#room, group, epoch);
  }

  // For whoever reads.

  /** Follows the relay's notice in its place in the mailbox; it may be acknowledged afterwards. */
  takeNotice(notice: GroupHint): Promise<void> {
    return followNotice(this.#room, notice);
  }

  /** A message proves that its sender sees another group than this device: joins anew, at most every 10 minutes. */
  suspectFork(group: Uint8Array): Promise<boolean> {
    return healFork(this.#room, group);
  }

  /** This store is an older copy of itself: nothing may be sealed with a state of it. Joins all groups anew. */
  async healRestored(): Promise<void> {
    const { store, relay } = this.#room;
    const rows = await store.read(({ groups }) => groups.all());
    for (const row of rows) if (row.relay === relay && isMember(row)) await comeBack(this.#room, row.group, "restored");
  }

  // For an account with several devices.

  /**
   * After this device let another one of its account in: opens the conversation of the own devices and adds it to all that
   * this one is in. Answers what could not be done now; a later `tend` does it.
   */
  async bringInOwnDevices(progress?: Progress): Promise<QightError[]> {
    return await bringInOwnDevices(this.#room, progress);
  }

  /** After this device took another one off its account's list: removes its leaves from all conversations. */
  async removeGoneDevices(progress?: Progress): Promise<QightError[]> {
    return await settleAll(this.#room, progress);
  }

  /** After a recovery: comes into these groups (ids) by the own account's seat; `tend` tries again what did not go. */
  async rejoinAll(groups: readonly Uint8Array[], progress?: Progress): Promise<Rejoined> {
    return await rejoinAll(this.#room, groups, progress);
  }

  /** Inside a transaction: a member's `Left` arrived. */
  noteLeft(tables: Pick<Tables, "groups">, group: Uint8Array, account: Uint8Array): void {
    noteLeaver(tables, this.#room, group, account);
  }

  /**
   * When the mailbox is drained: follows what notices did not say, brings devices that came and went into and out of
   * conversations, and removes members who left. A program that stays
   * fills the stock of KeyPackages up too. Answers what went wrong; it is tried again the next time.
   */
  async tend({ stays = false }: { readonly stays?: boolean } = {}): Promise<QightError[]> {
    const { source, relay: relayName, store, account, signer, clock, suite } = this.#room;
    const errors = await compareGroups(this.#room);
    if (stays) {
      const relay = await source.client();
      await ensureKeyPackages({ relay, relayName, store, owner: { account, signer }, clock }, IN_PEACE, suite);
    }
    await rejoinRest(this.#room);
    return [...errors, ...await tendDevices(this.#room), ...await removeLeavers(this.#room)];
  }

  /**
   * Comes into the groups that wait for this device, and takes in what was changed, as far as the relay's list tells: before a
   * list shrinks, since whoever is off it then is a reason not to come into a group. Answers what went wrong with single groups.
   */
  catchUp(): Promise<QightError[]> {
    return compareGroups(this.#room);
  }

  /** What happened to groups and was not shown yet, in order. */
  async events(): Promise<GroupEvent[]> {
    const { store, relay } = this.#room;
    return await store.read(({ groups }) =>
      groups.events(relay).map((row) => eventOf(row, groups.get(relay, row.group)))
    );
  }

  /** Inside the transaction that shows or keeps them: these events need not be told again. */
  shown({ groups }: Pick<Tables, "groups">, events: readonly GroupEvent[]): void {
    groups.forgetEvents(events.map(({ place }) => place));
  }

  // For invites.

  /** The way into a group for an invite (`NewInvite.group`), good for `ttlS` seconds. */
  async pass(group: Uint8Array, ttlS: number): Promise<GroupPass> {
    const row = await this.row(group);
    if (!isMember(row)) throw new QightError("no_such_group");
    return await makePass(this.#room, row, ttlS);
  }

  /** Comes into the group of an invite (`InviteRecord.group`) and answers what it is called here. `invite_unknown`. */
  async joinBy(pass: GroupPass): Promise<GroupView> {
    await usePass(this.#room, pass);
    return await this.show(pass.group);
  }
}
