/**
 * Commits in memory: compare-and-set on the epoch, the log, Welcomes, notices, and taking the newest one back.
 * @module
 */
import { equal, isOneOf } from "../../crypto/equal.ts";
import { hex } from "../../crypto/hex.ts";
import { inPair, isTakenBack, rosterChange, rosterFault } from "./group_rules.ts";
import type {
  CommitPage,
  Committed,
  GroupBounds,
  GroupStore,
  NewCommit,
  Noticed,
  Reported,
  StoredCommit,
} from "./group_store.ts";
import { type Group, logCommit, type Logged, sizeOf, type State, takeOff } from "./memory_group.ts";
import type { MemoryGroupIndex } from "./memory_group_index.ts";
import type { MemoryMailboxes } from "./memory_mailboxes.ts";

/** What sqlite_commits.ts does, on the groups in memory. */
export class MemoryCommits {
  readonly #index: MemoryGroupIndex;
  readonly #mailboxes: MemoryMailboxes;

  constructor(index: MemoryGroupIndex, mailboxes: MemoryMailboxes) {
    this.#index = index;
    this.#mailboxes = mailboxes;
  }

  /** See GroupStore. */
  commit(commit: NewCommit, bounds: GroupBounds): Committed {
    const { group: name, device, external, joinKeyHash, acceptedAtMs: nowMs } = commit;
    const group = external
      ? this.#index.forComer(name, { device, joinKeyHash, nowMs })
      : this.#index.ofMember(name, device);
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
      if (this.#index.ofDevice(device).length >= bounds.maxGroups) return { kind: "too_many", device };
    }
    const now = { roster: commit.roster.map((device) => device.slice()), groupInfo: commit.groupInfo.slice() };
    const grown = sizeOf(now) + commit.commit.length + (commit.welcome?.length ?? 0);
    if (!this.#mailboxes.fits(grown)) return { kind: "storage_full" };
    this.#index.change(group, () => {
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
      notices: this.#index.notify(group, notices, commit.acceptedAtMs, commit.noticeUntilMs),
    };
  }

  /** See GroupStore. */
  page(name: Uint8Array, device: Uint8Array, fromEpoch: number, max: number, maxBytes: number): CommitPage | null {
    const group = this.#index.ofMember(name, device);
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

  /** See GroupStore. */
  report(
    { group: name, device, epoch, commitHash, nowMs, noticeUntilMs }: Parameters<GroupStore["report"]>[0],
  ): Reported {
    const group = this.#index.reportable(name, device);
    if (!group) return null;
    const newest = group.log[group.log.length - 1];
    const nothing = { reopened: group.epoch === epoch, notices: [] };
    if (!group.before || !newest || newest.epoch !== epoch || newest.epoch !== group.epoch - 1) return nothing;
    const account = this.#mailboxes.accountOf(device);
    const isVoter = account && isOneOf(device, group.before.roster);
    if (!equal(newest.hash, commitHash) || !isVoter) return nothing;
    group.reporters.add(hex(account));
    const committer = this.#mailboxes.accountOf(newest.device);
    const decided = isTakenBack({
      reporters: group.reporters,
      before: this.#index.accounts(group.before.roster),
      after: this.#index.accounts(group.now.roster),
      committer: committer && hex(committer),
      creator: hex(group.creator),
    });
    return decided
      ? { reopened: true, notices: this.#reopen(group, group.before, newest, nowMs, noticeUntilMs) }
      : nothing;
  }

  #reopen(group: Group, before: State, newest: Logged, nowMs: number, untilMs: number): Noticed[] {
    const after = group.now.roster;
    this.#index.change(group, () => {
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
    const notices = this.#index.notify(
      group,
      [
        ...kept.map((device) => ({ device, kind: "reopened" as const })),
        ...gone.map((device) => ({ device, kind: "removed" as const })),
      ],
      nowMs,
      untilMs,
    );
    if (kept.length === 0) this.#index.forget(group);
    return notices;
  }
}
