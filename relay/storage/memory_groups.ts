/**
 * Groups of the store that forgets everything at exit.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import { hex } from "../../crypto/hex.ts";
import type { NoticeTimes } from "./account_store.ts";
import { mostToldOf } from "./group_rules.ts";
import type {
  Asking,
  CommitPage,
  Committed,
  GroupBounds,
  GroupEnqueued,
  GroupPut,
  GroupStore,
  JoinKeyPut,
  ListedGroup,
  MemberEnqueued,
  NewCommit,
  NewGroup,
  NewGroupMessage,
  NewJoinKey,
  Noticed,
  Reported,
  StoredGroup,
  StoredWelcome,
} from "./group_store.ts";
import { MemoryCommits } from "./memory_commits.ts";
import { type Group, sizeOf, takeOff } from "./memory_group.ts";
import { MemoryGroupIndex } from "./memory_group_index.ts";
import type { MemoryMailboxes, Payload } from "./memory_mailboxes.ts";

/** All groups; the same answers as SQLite's. */
export class MemoryGroups implements GroupStore {
  readonly #mailboxes: MemoryMailboxes;
  readonly #changed: () => void;
  readonly #index: MemoryGroupIndex;
  readonly #commits: MemoryCommits;

  constructor(mailboxes: MemoryMailboxes, changed: () => void) {
    this.#mailboxes = mailboxes;
    this.#changed = changed;
    this.#index = new MemoryGroupIndex(mailboxes);
    this.#commits = new MemoryCommits(this.#index, mailboxes);
  }

  /** How many there are. */
  get size(): number {
    return this.#index.size;
  }

  async enqueue(message: NewGroupMessage): Promise<GroupEnqueued> {
    this.#changed();
    const group = this.#index.ofMember(message.recipient, message.sender);
    if (!group) return { kind: "not_a_member" };
    const others = group.now.roster.filter((device) => !equal(device, message.sender));
    const { epoch } = group;
    if (message.epoch !== epoch) {
      const known = others.map((device) => this.#mailboxes.known(device, message));
      if (known.every((one) => one === null)) return { kind: "stale_epoch", epoch };
      const stale = { kind: "stale_epoch" as const, epoch };
      return { kind: "offered", members: others.map((device, i) => ({ device, outcome: known[i] ?? stale })) };
    }
    const payload: Payload = { envelope: message.envelope.slice(), pointers: 0 };
    const members: MemberEnqueued[] = others.map((device) => ({
      device,
      outcome: this.#mailboxes.enqueue(device, message, payload),
    }));
    return { kind: "offered", members };
  }

  async create(group: NewGroup, { maxGroups }: GroupBounds): Promise<GroupPut> {
    this.#changed();
    const known = this.#index.named(group.group, { direct: group.direct !== null });
    if (known) {
      const same = known.epoch === 0 && equal(known.creatorDevice, group.device) &&
        equal(known.now.groupInfo, group.groupInfo) && known.suite === group.suite;
      return same ? "stored" : "exists";
    }
    if (this.#index.ofDevice(group.device).length >= maxGroups) return "too_many";
    const now = { roster: [group.device.slice()], groupInfo: group.groupInfo.slice() };
    if (!this.#mailboxes.fits(sizeOf(now))) return "storage_full";
    this.#index.add({
      name: group.group.slice(),
      suite: group.suite,
      creator: group.account.slice(),
      creatorDevice: group.device.slice(),
      direct: group.direct,
      epoch: 0,
      now,
      before: null,
      log: [],
      joinKeys: new Map(),
      reporters: new Set(),
      welcomes: new Map(),
    });
    return "stored";
  }

  async commit(commit: NewCommit, bounds: GroupBounds): Promise<Committed> {
    this.#changed();
    return this.#commits.commit(commit, bounds);
  }

  async commits(...asked: Parameters<GroupStore["commits"]>): Promise<CommitPage | null> {
    return this.#commits.page(...asked);
  }

  async report(report: Parameters<GroupStore["report"]>[0]): Promise<Reported> {
    this.#changed();
    return this.#commits.report(report);
  }

  async get(name: Uint8Array, asking: Asking): Promise<StoredGroup | null> {
    const group = this.#index.forComer(name, asking);
    if (!group) return null;
    const { epoch, suite, direct, now: { roster, groupInfo } } = group;
    return { epoch, suite, direct, roster: [...roster], groupInfo };
  }

  async others(name: Uint8Array, device: Uint8Array): Promise<Uint8Array[] | null> {
    return this.#index.ofMember(name, device)?.now.roster.filter((each) => !equal(each, device)) ?? null;
  }

  async welcome(name: Uint8Array, device: Uint8Array): Promise<StoredWelcome | null> {
    const found = this.#index.ofMember(name, device)?.welcomes.get(hex(device));
    return found ? { welcome: found.welcome, device: found.device, epoch: found.epoch } : null;
  }

  async welcomed(name: Uint8Array, device: Uint8Array, epoch: number): Promise<void> {
    this.#changed();
    const group = this.#index.ofMember(name, device);
    const waiting = group?.welcomes.get(hex(device));
    if (group && waiting && waiting.epoch <= epoch) this.#index.change(group, () => group.welcomes.delete(hex(device)));
  }

  async list(device: Uint8Array): Promise<ListedGroup[]> {
    return this.#index.ofDevice(device).map(({ name: group, epoch, direct, welcomes }) => (
      { group, epoch, direct, welcome: welcomes.has(hex(device)) }
    ));
  }

  async leave(name: Uint8Array, device: Uint8Array): Promise<boolean> {
    this.#changed();
    const group = this.#index.ofMember(name, device);
    if (!group) return false;
    this.#index.change(group, () => takeOff(group, device));
    if (group.now.roster.length === 0) this.#index.forget(group);
    return true;
  }

  /** Takes a device that its account does not list any more off all rosters. */
  leaveAll(device: Uint8Array): void {
    for (const group of this.#index.ofDevice(device)) {
      this.#index.change(group, () => takeOff(group, device));
      if (group.now.roster.length === 0) this.#index.forget(group);
    }
  }

  /** Groups that have one of these devices on their rosters. */
  touched(devices: readonly Uint8Array[]): Group[] {
    return [...new Set(devices.flatMap((device) => this.#index.ofDevice(device)))];
  }

  /** Tells those on the rosters that the devices of an account among them are others now. */
  tellMembers(groups: readonly Group[], { nowMs, noticeUntilMs }: NoticeTimes): Noticed[] {
    const most = mostToldOf(groups.length);
    return groups.flatMap((group) => {
      const to = group.now.roster.slice(0, most).map((device) => ({ device, kind: "members" as const }));
      return this.#index.notify(group, to, nowMs, noticeUntilMs);
    });
  }

  async putJoinKey({ group: name, device, keyHash, nowMs, expiresAtMs, max }: NewJoinKey): Promise<JoinKeyPut> {
    this.#changed();
    const group = this.#index.ofMember(name, device);
    if (!group) return { kind: "not_a_member" };
    if (group.direct) return { kind: "not_here" };
    const known = group.joinKeys.get(hex(keyHash));
    if (known !== undefined && known > nowMs) return { kind: "stored", expiresAtMs: known };
    if ([...group.joinKeys.values()].filter((until) => until > nowMs).length >= max) return { kind: "too_many" };
    group.joinKeys.set(hex(keyHash), expiresAtMs);
    return { kind: "stored", expiresAtMs };
  }

  async revokeJoinKey(name: Uint8Array, device: Uint8Array, keyHash: Uint8Array): Promise<boolean | null> {
    this.#changed();
    return this.#index.ofMember(name, device)?.joinKeys.delete(hex(keyHash)) ?? null;
  }

  /** Removes what is over of logs, Welcomes and join keys. */
  collect(nowMs: number): void {
    for (const group of this.#index.all()) {
      this.#index.change(group, () => {
        group.log = group.log.filter(({ untilMs }) => untilMs > nowMs);
        if (group.log.length === 0) group.before = null;
        for (const [key, { untilMs }] of group.welcomes) if (untilMs <= nowMs) group.welcomes.delete(key);
      });
      for (const [key, until] of group.joinKeys) if (until <= nowMs) group.joinKeys.delete(key);
    }
  }
}
