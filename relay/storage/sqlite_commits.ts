/**
 * Commits in the writer: compare-and-set on the epoch, the log, Welcomes, notices, and taking the newest one back.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import { equal, isOneOf } from "../../crypto/equal.ts";
import { inPair, isTakenBack, type RosterChange, rosterChange, rosterFault } from "./group_rules.ts";
import type { Committed, GroupBounds, GroupStore, NewCommit, Noticed, Reported } from "./group_store.ts";
import { keyOf } from "./map_key.ts";
import type { Connection } from "./sqlite_connection.ts";
import type { Dates, GroupNotices } from "./sqlite_group_notices.ts";
import { type GroupRow, type GroupRows, type GroupState, stateBytes } from "./sqlite_group_rows.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";
import type { Welcomes } from "./sqlite_welcomes.ts";
import type { StoreLimits } from "./store.ts";

/** A commit of the log as far as it is looked at here. */
interface Logged {
  device: Uint8Array;
  hash: Uint8Array;
  size: number;
}

/** Statements on commits, all inside the transaction of the batch. */
export class Commits {
  readonly #rows: GroupRows;
  readonly #mailboxes: Mailboxes;
  readonly #notices: GroupNotices;
  readonly #welcomes: Welcomes;
  readonly #select: Statement;
  readonly #insert: Statement;
  readonly #delete: Statement;
  readonly #sizes: Statement;
  readonly #putReport: Statement;
  readonly #reporters: Statement;
  readonly #deleteReports: Statement;

  constructor(db: Connection, rows: GroupRows, mailboxes: Mailboxes, notices: GroupNotices, welcomes: Welcomes) {
    this.#rows = rows;
    this.#mailboxes = mailboxes;
    this.#notices = notices;
    this.#welcomes = welcomes;
    this.#select = db.prepare("SELECT device, hash, length(bytes) AS size FROM commits WHERE slot = (? << 36) | ?");
    this.#insert = db.prepare(
      `INSERT INTO commits (slot, device, accepted, until, hash, crc, bytes)
       VALUES ((? << 36) | ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#delete = db.prepare("DELETE FROM commits WHERE slot = (? << 36) | ?");
    this.#sizes = db.prepare(
      `SELECT slot & 68719476735 AS epoch, length(bytes) AS size FROM commits
       WHERE slot BETWEEN ? << 36 AND (? << 36) | 68719476735 ORDER BY slot`,
    );
    this.#putReport = db.prepare("INSERT OR IGNORE INTO reports (grp, account) VALUES (?, ?)");
    this.#reporters = db.prepare("SELECT account FROM reports WHERE grp = ?").pluck();
    this.#deleteReports = db.prepare("DELETE FROM reports WHERE grp = ?");
  }

  /** See Store. */
  commit(commit: NewCommit, bounds: GroupBounds, limits: StoreLimits): Committed {
    const { group: name, device, external, joinKeyHash, acceptedAtMs } = commit;
    const group = external
      ? this.#rows.ofGuest(name, device, joinKeyHash, acceptedAtMs)
      : this.#rows.ofMember(name, device);
    if (group === null) return { kind: "not_a_member" };
    const last = this.#logged(group, commit.epoch);
    if (last && equal(last.device, device) && equal(last.hash, commit.commitHash)) {
      return { kind: "accepted", epoch: commit.epoch + 1, notices: [] };
    }
    if (group.epoch !== commit.epoch) return { kind: "stale_epoch", epoch: group.epoch };
    const change = rosterChange(group.roster, commit.roster);
    const refusal = this.#refusal(group, commit, change, bounds);
    if (refusal) return refusal;
    const grown = stateBytes(commit) + commit.commit.length + (commit.welcome?.length ?? 0);
    if (this.#mailboxes.totals.bytes + grown > limits.maxTotal) return { kind: "storage_full" };
    this.#apply(group, commit, change, bounds);
    const welcomed = new Set(commit.welcomed.map(keyOf));
    const kindFor = (each: Uint8Array) => welcomed.has(keyOf(each)) ? "welcome" as const : "commit" as const;
    const notices = this.#notices.put(
      group,
      [
        ...group.roster.filter((each) => !equal(each, device)).map((each) => ({ device: each, kind: kindFor(each) })),
        ...change.removed.map((each) => ({ device: each, kind: "removed" as const })),
      ],
      { received: acceptedAtMs, expires: commit.noticeUntilMs },
      limits,
    );
    return { kind: "accepted", epoch: group.epoch, notices };
  }

  /** See Store. */
  report(report: Parameters<GroupStore["report"]>[0], limits: StoreLimits): Reported {
    const { group: name, device, epoch, commitHash, nowMs, noticeUntilMs } = report;
    const account = this.#mailboxes.find(device)?.account ?? null;
    const found = account && this.#reportable(name, device);
    if (!found) return null;
    const { group, before } = found;
    const nothing = { reopened: group.epoch === epoch, notices: [] };
    const newest = epoch === group.epoch - 1 ? this.#logged(group, epoch) : null;
    const isVoter = before !== null && isOneOf(device, before.roster);
    if (!before || !newest || !isVoter || !equal(newest.hash, commitHash)) return nothing;
    this.#putReport.run(group.id, account);
    const committer = this.#mailboxes.find(newest.device)?.account ?? null;
    const decided = isTakenBack({
      reporters: new Set((this.#reporters.all(group.id) as Uint8Array[]).map(keyOf)),
      before: this.#accounts(before.roster),
      after: this.#accounts(group.roster),
      committer: committer && keyOf(committer),
      creator: keyOf(group.creator),
    });
    if (!decided) return nothing;
    const times = { received: nowMs, expires: noticeUntilMs };
    return { reopened: true, notices: this.#reopen(group, before, newest, times, limits) };
  }

  /** Takes a device off the roster of now and of before; a group without members goes. */
  takeOff(group: GroupRow, device: Uint8Array): void {
    let { bytes } = group;
    for (const epoch of [group.epoch, group.epoch - 1]) {
      const state = epoch >= 0 ? this.#rows.state(group, epoch) : null;
      const roster = state?.roster.filter((each) => !equal(each, device));
      if (!state || roster!.length === state.roster.length) continue;
      this.#rows.putState(group, epoch, { roster: roster!, groupInfo: state.groupInfo });
      bytes -= 32;
      if (epoch === group.epoch) this.#rows.setRoster(group, roster!);
    }
    this.#rows.save(group, group.epoch, bytes - this.#welcomes.drop(group, device));
    if (group.roster.length === 0) this.#forget(group);
  }

  /** Removes a commit that is over, and with the newest one what held before it. */
  expire(group: GroupRow, epoch: number): void {
    const logged = this.#logged(group, epoch);
    let bytes = group.bytes - (logged?.size ?? 0);
    this.#delete.run(group.id, epoch);
    if (epoch === group.epoch - 1) bytes -= this.#rows.deleteState(group, epoch);
    this.#rows.save(group, group.epoch, bytes);
  }

  #refusal(group: GroupRow, commit: NewCommit, change: RosterChange, { maxGroups }: GroupBounds): Committed | null {
    const why = rosterFault(commit, change);
    if (why) return { kind: "refused", why };
    for (const device of change.added) {
      const account = this.#mailboxes.find(device)?.account ?? null;
      if (!account) return { kind: "no_such_recipient", device };
      if (group.direct && !inPair(group.direct, account)) {
        return { kind: "refused", why: "A direct conversation has devices of its two accounts only" };
      }
      if (this.#rows.countOf(device) >= maxGroups) return { kind: "too_many", device };
    }
    return null;
  }

  #apply(group: GroupRow, commit: NewCommit, change: RosterChange, { maxLogBytes }: GroupBounds): void {
    const { epoch, device, acceptedAtMs, logUntilMs, commitHash, roster, groupInfo } = commit;
    const bytes = commit.commit;
    this.#insert.run(group.id, epoch, device, acceptedAtMs, logUntilMs, commitHash, crc32(bytes), bytes);
    let size = group.bytes + bytes.length + stateBytes(commit) - this.#trim(group, maxLogBytes);
    if (epoch > 0) size -= this.#rows.deleteState(group, epoch - 1);
    this.#rows.putState(group, epoch + 1, { roster, groupInfo });
    this.#rows.setRoster(group, roster);
    for (const gone of [...change.removed, device]) size -= this.#welcomes.drop(group, gone);
    if (commit.welcome) size += this.#welcomes.put(group, { ...commit, welcome: commit.welcome });
    this.#deleteReports.run(group.id);
    this.#rows.save(group, epoch + 1, size);
  }

  #trim(group: GroupRow, maxBytes: number): number {
    const log = this.#sizes.all(group.id, group.id) as { epoch: number; size: number }[];
    let all = log.reduce((sum, { size }) => sum + size, 0), trimmed = 0;
    for (const { epoch, size } of log.slice(0, -1)) {
      if (all <= maxBytes) break;
      this.#delete.run(group.id, epoch);
      all -= size;
      trimmed += size;
    }
    return trimmed;
  }

  #reopen(
    group: GroupRow,
    before: GroupState,
    newest: Logged,
    times: Dates,
    limits: StoreLimits,
  ): Noticed[] {
    const { added } = rosterChange(before.roster, group.roster);
    const gone = [newest.device, ...added.filter((each) => !equal(each, newest.device))];
    const epoch = group.epoch - 1;
    let bytes = group.bytes - newest.size - this.#rows.deleteState(group, group.epoch);
    this.#delete.run(group.id, epoch);
    this.#deleteReports.run(group.id);
    bytes -= this.#welcomes.dropOfEpoch(group, group.epoch);
    this.#rows.setRoster(group, before.roster);
    this.#rows.save(group, epoch, bytes);
    const kept = before.roster.filter((each) => !equal(each, newest.device));
    const notices = this.#notices.put(
      group,
      [
        ...kept.map((device) => ({ device, kind: "reopened" as const })),
        ...gone.map((device) => ({ device, kind: "removed" as const })),
      ],
      times,
      limits,
    );
    this.takeOff(group, newest.device);
    return notices;
  }

  /** Who was on the roster before the newest commit may report it, also when it removed them. */
  #reportable(name: Uint8Array, device: Uint8Array): { group: GroupRow; before: GroupState | null } | null {
    for (const group of this.#rows.all(name)) {
      const before = group.epoch > 0 ? this.#rows.state(group, group.epoch - 1) : null;
      const wasIn = before !== null && isOneOf(device, before.roster);
      if (wasIn || group.members.has(keyOf(device))) return { group, before };
    }
    return null;
  }

  #logged(group: GroupRow, epoch: number): Logged | null {
    return (this.#select.get(group.id, epoch) as Logged | undefined) ?? null;
  }

  #forget(group: GroupRow): void {
    for (const { epoch } of this.#sizes.all(group.id, group.id) as { epoch: number }[]) {
      this.#delete.run(group.id, epoch);
    }
    for (const epoch of [group.epoch, group.epoch - 1]) if (epoch >= 0) this.#rows.deleteState(group, epoch);
    this.#deleteReports.run(group.id);
    this.#welcomes.forget(group);
    this.#rows.delete(group);
  }

  #accounts(roster: readonly Uint8Array[]): Set<string> {
    const accounts = roster.flatMap((device) => this.#mailboxes.find(device)?.account ?? []);
    return new Set(accounts.map(keyOf));
  }
}
