/**
 * Groups of the store that forgets everything at exit.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import type { NoticeTimes } from "./account_store.ts";
import { inPair, isTakenBack, mostToldOf, rosterChange, rosterFault } from "./group_rules.ts";
import type {
  Asking,
  CommitPage,
  Committed,
  GroupBounds,
  GroupEnqueued,
  GroupNotice,
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
  StoredCommit,
  StoredGroup,
  StoredWelcome,
} from "./group_store.ts";
import { bytesOf, type Group, logCommit, type Logged, sizeOf, type State, takeOff } from "./memory_group.ts";
import type { MemoryMailboxes, Payload } from "./memory_mailboxes.ts";

/** All groups; the same answers as SQLite's. */
export class MemoryGroups implements GroupStore {
  readonly #mailboxes: MemoryMailboxes;
  readonly #changed: () => void;
  readonly #direct = new Map<string, Group>();
  readonly #plain = new Map<string, Group>();

  constructor(mailboxes: MemoryMailboxes, changed: () => void) {
    this.#mailboxes = mailboxes;
    this.#changed = changed;
  }

  /** How many there are. */
  get size(): number {
    return this.#direct.size + this.#plain.size;
  }

  async enqueue(message: NewGroupMessage): Promise<GroupEnqueued> {
    this.#changed();
    const group = this.#ofMember(message.recipient, message.sender);
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
    const map = group.direct ? this.#direct : this.#plain;
    const known = map.get(hex(group.group));
    if (known) {
      const same = known.epoch === 0 && equal(known.creatorDevice, group.device) &&
        equal(known.now.groupInfo, group.groupInfo) && known.suite === group.suite;
      return same ? "stored" : "exists";
    }
    if (this.#groupsOf(group.device).length >= maxGroups) return "too_many";
    const now = { roster: [group.device.slice()], groupInfo: group.groupInfo.slice() };
    if (!this.#mailboxes.fits(sizeOf(now))) return "storage_full";
    this.#mailboxes.bytes += sizeOf(now);
    map.set(hex(group.group), {
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
    const group = this.#toCommit(commit);
    if (!group) return { kind: "not_a_member" };
    const { epoch } = group;
    const last = group.log.find((one) => one.epoch === commit.epoch);
    if (last && equal(last.device, commit.device) && equal(last.hash, commit.commitHash)) {
      return { kind: "accepted", epoch: commit.epoch + 1, notices: [] };
    }
    if (epoch !== commit.epoch) return { kind: "stale_epoch", epoch };
    const change = rosterChange(group.now.roster, commit.roster);
    const why = rosterFault(commit, change);
    if (why) return { kind: "refused", why };
    for (const device of change.added) {
      const account = this.#mailboxes.accountOf(device);
      if (!account) return { kind: "no_such_recipient", device };
      if (group.direct && !inPair(group.direct, account)) {
        return { kind: "refused", why: "A direct conversation has devices of its two accounts only" };
      }
      if (this.#groupsOf(device).length >= bounds.maxGroups) return { kind: "too_many", device };
    }
    const now = { roster: commit.roster.map((device) => device.slice()), groupInfo: commit.groupInfo.slice() };
    const grown = sizeOf(now) + commit.commit.length + (commit.welcome?.length ?? 0);
    if (!this.#mailboxes.fits(grown)) return { kind: "storage_full" };
    this.#account(group, () => {
      logCommit(group, commit, bounds.maxLogBytes);
      group.before = group.now;
      group.now = now;
      group.epoch++;
      group.reporters.clear();
      for (const device of [...change.removed, commit.device]) group.welcomes.delete(hex(device));
      if (commit.welcome) {
        const { device, welcomeUntilMs: untilMs } = commit;
        const welcome = { welcome: commit.welcome.slice(), device: device.slice(), epoch: group.epoch, untilMs };
        for (const each of commit.welcomed) group.welcomes.set(hex(each), welcome);
      }
    });
    const welcomed = new Set(commit.welcomed.map(hex));
    const notices = [
      ...now.roster.filter((device) => !equal(device, commit.device))
        .map((device) => ({ device, kind: welcomed.has(hex(device)) ? "welcome" as const : "commit" as const })),
      ...change.removed.map((device) => ({ device, kind: "removed" as const })),
    ];
    return {
      kind: "accepted",
      epoch: group.epoch,
      notices: this.#notify(group, notices, commit.acceptedAtMs, commit.noticeUntilMs),
    };
  }

  async commits(
    name: Uint8Array,
    device: Uint8Array,
    fromEpoch: number,
    max: number,
    maxBytes: number,
  ): Promise<CommitPage | null> {
    const group = this.#ofMember(name, device);
    if (!group) return null;
    const oldest = group.log[0]?.epoch ?? group.epoch;
    const commits: StoredCommit[] = [];
    let bytes = 0;
    for (const one of fromEpoch < oldest ? [] : group.log.filter(({ epoch }) => epoch >= fromEpoch)) {
      bytes += one.commit.length;
      if (commits.length > 0 && (commits.length >= max || bytes > maxBytes)) break;
      const { epoch, device, commit, acceptedAtMs } = one;
      commits.push({ epoch, device, commit, acceptedAtMs });
    }
    return { commits, epoch: group.epoch, oldest, welcome: group.welcomes.get(hex(device))?.epoch ?? null };
  }

  async get(name: Uint8Array, { device, joinKeyHash, nowMs }: Asking): Promise<StoredGroup | null> {
    const group = this.#for(name, device, joinKeyHash, nowMs);
    if (!group) return null;
    const { epoch, suite, direct, now: { roster, groupInfo } } = group;
    return { epoch, suite, direct, roster: [...roster], groupInfo };
  }

  async others(name: Uint8Array, device: Uint8Array): Promise<Uint8Array[] | null> {
    return this.#ofMember(name, device)?.now.roster.filter((each) => !equal(each, device)) ?? null;
  }

  async welcome(name: Uint8Array, device: Uint8Array): Promise<StoredWelcome | null> {
    const found = this.#ofMember(name, device)?.welcomes.get(hex(device));
    return found ? { welcome: found.welcome, device: found.device, epoch: found.epoch } : null;
  }

  async welcomed(name: Uint8Array, device: Uint8Array, epoch: number): Promise<void> {
    this.#changed();
    const group = this.#ofMember(name, device);
    const waiting = group?.welcomes.get(hex(device));
    if (group && waiting && waiting.epoch <= epoch) this.#account(group, () => group.welcomes.delete(hex(device)));
  }

  async list(device: Uint8Array): Promise<ListedGroup[]> {
    return this.#groupsOf(device).map(({ name: group, epoch, direct, welcomes }) => (
      { group, epoch, direct, welcome: welcomes.has(hex(device)) }
    ));
  }

  async leave(name: Uint8Array, device: Uint8Array): Promise<boolean> {
    this.#changed();
    const group = this.#ofMember(name, device);
    if (!group) return false;
    this.#account(group, () => takeOff(group, device));
    if (group.now.roster.length === 0) this.#forget(group);
    return true;
  }

  /** Takes a device that its account does not list any more off all rosters. */
  leaveAll(device: Uint8Array): void {
    for (const group of this.#groupsOf(device)) {
      this.#account(group, () => takeOff(group, device));
      if (group.now.roster.length === 0) this.#forget(group);
    }
  }

  /** Groups that have one of these devices on their rosters. */
  touched(devices: readonly Uint8Array[]): Group[] {
    return [...new Set(devices.flatMap((device) => this.#groupsOf(device)))];
  }

  /** Tells those on the rosters that the devices of an account among them are others now. */
  tellMembers(groups: readonly Group[], { nowMs, noticeUntilMs }: NoticeTimes): Noticed[] {
    const most = mostToldOf(groups.length);
    return groups.flatMap((group) => {
      const to = group.now.roster.slice(0, most).map((device) => ({ device, kind: "members" as const }));
      return this.#notify(group, to, nowMs, noticeUntilMs);
    });
  }

  async report(
    { group: name, device, epoch, commitHash, nowMs, noticeUntilMs }: Parameters<GroupStore["report"]>[0],
  ): Promise<Reported> {
    this.#changed();
    const group = this.#reportable(name, device);
    if (!group) return null;
    const newest = group.log[group.log.length - 1];
    const nothing = { reopened: group.epoch === epoch, notices: [] };
    if (!group.before || !newest || newest.epoch !== epoch || newest.epoch !== group.epoch - 1) return nothing;
    const account = this.#mailboxes.accountOf(device);
    const isVoter = account && group.before.roster.some((each) => equal(each, device));
    if (!equal(newest.hash, commitHash) || !isVoter) return nothing;
    group.reporters.add(hex(account));
    const committer = this.#mailboxes.accountOf(newest.device);
    const decided = isTakenBack({
      reporters: group.reporters,
      before: this.#accounts(group.before.roster),
      after: this.#accounts(group.now.roster),
      committer: committer && hex(committer),
      creator: hex(group.creator),
    });
    return decided
      ? { reopened: true, notices: this.#reopen(group, group.before, newest, nowMs, noticeUntilMs) }
      : nothing;
  }

  async putJoinKey({ group: name, device, keyHash, nowMs, expiresAtMs, max }: NewJoinKey): Promise<JoinKeyPut> {
    this.#changed();
    const group = this.#ofMember(name, device);
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
    return this.#ofMember(name, device)?.joinKeys.delete(hex(keyHash)) ?? null;
  }

  /** Removes what is over of logs, Welcomes and join keys. */
  collect(nowMs: number): void {
    for (const group of [...this.#direct.values(), ...this.#plain.values()]) {
      this.#account(group, () => {
        group.log = group.log.filter(({ untilMs }) => untilMs > nowMs);
        if (group.log.length === 0) group.before = null;
        for (const [key, { untilMs }] of group.welcomes) if (untilMs <= nowMs) group.welcomes.delete(key);
      });
      for (const [key, until] of group.joinKeys) if (until <= nowMs) group.joinKeys.delete(key);
    }
  }

  #ofMember(name: Uint8Array, device: Uint8Array): Group | null {
    if (this.#mailboxes.accountOf(device) === null) return null;
    const isIn = (group: Group | undefined) => group?.now.roster.some((each) => equal(each, device));
    return [this.#direct, this.#plain].map((map) => map.get(hex(name))).find(isIn) ?? null;
  }

  #for(name: Uint8Array, device: Uint8Array, joinKeyHash: Uint8Array | null, nowMs: number): Group | null {
    const account = this.#mailboxes.accountOf(device);
    const direct = this.#direct.get(hex(name));
    if (direct?.direct && inPair(direct.direct, account)) return direct;
    const group = this.#plain.get(hex(name));
    if (account === null || !group) return null;
    const invited = joinKeyHash !== null && (group.joinKeys.get(hex(joinKeyHash)) ?? 0) > nowMs;
    // A device whose account has a seat comes in by itself: after a recovery nobody else of the account may be left.
    return invited || this.#accounts(group.now.roster).has(hex(account)) ? group : null;
  }

  #toCommit({ group, device, external, joinKeyHash, acceptedAtMs }: NewCommit): Group | null {
    return external ? this.#for(group, device, joinKeyHash, acceptedAtMs) : this.#ofMember(group, device);
  }

  /** Who was on the roster before the newest commit may report it, also when it removed them. */
  #reportable(name: Uint8Array, device: Uint8Array): Group | null {
    if (this.#mailboxes.accountOf(device) === null) return null;
    const wasIn = (group: Group | undefined) =>
      [...group?.now.roster ?? [], ...group?.before?.roster ?? []].some((each) => equal(each, device));
    return [this.#direct, this.#plain].map((map) => map.get(hex(name))).find(wasIn) ?? null;
  }

  #groupsOf(device: Uint8Array): Group[] {
    return [...this.#direct.values(), ...this.#plain.values()]
      .filter(({ now }) => now.roster.some((each) => equal(each, device)));
  }

  #reopen(group: Group, before: State, newest: Logged, nowMs: number, untilMs: number): Noticed[] {
    const after = group.now.roster;
    this.#account(group, () => {
      group.log.pop();
      group.epoch--;
      group.now = before;
      group.before = null;
      group.reporters.clear();
      for (const [key, { epoch }] of group.welcomes) if (epoch > group.epoch) group.welcomes.delete(key);
      takeOff(group, newest.device);
    });
    const kept = group.now.roster;
    const gone = [
      newest.device,
      ...rosterChange(before.roster, after).added.filter((one) => !equal(one, newest.device)),
    ];
    const notices = this.#notify(
      group,
      [
        ...kept.map((device) => ({ device, kind: "reopened" as const })),
        ...gone.map((device) => ({ device, kind: "removed" as const })),
      ],
      nowMs,
      untilMs,
    );
    if (kept.length === 0) this.#forget(group);
    return notices;
  }

  #notify(
    group: Group,
    to: readonly { device: Uint8Array; kind: GroupNotice["kind"] }[],
    nowMs: number,
    untilMs: number,
  ): Noticed[] {
    return to.flatMap(({ device, kind }) => {
      const notice = { group: group.name, kind, epoch: group.epoch };
      return this.#mailboxes.notice(device, notice, nowMs, untilMs) ?? [];
    });
  }

  #accounts(roster: readonly Uint8Array[]): Set<string> {
    return new Set(roster.flatMap((device) => {
      const account = this.#mailboxes.accountOf(device);
      return account ? [hex(account)] : [];
    }));
  }

  /** Runs a change and counts what the group keeps after it. */
  #account(group: Group, change: () => void): void {
    const before = bytesOf(group);
    change();
    this.#mailboxes.bytes += bytesOf(group) - before;
  }

  #forget(group: Group): void {
    this.#mailboxes.bytes -= bytesOf(group);
    (group.direct ? this.#direct : this.#plain).delete(hex(group.name));
  }
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}
