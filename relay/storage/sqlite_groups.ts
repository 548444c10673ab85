/**
 * Groups in the writer: begin, leave, join keys, and what of them is over.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { equal } from "../../crypto/equal.ts";
import type {
  Committed,
  GroupBounds,
  GroupPut,
  GroupStore,
  NewCommit,
  NewGroup,
  Noticed,
  Reported,
} from "./group_store.ts";
import type { JoinKeyPut, NewJoinKey } from "./group_store.ts";
import { keyOf } from "./map_key.ts";
import { Commits } from "./sqlite_commits.ts";
import type { Connection } from "./sqlite_connection.ts";
import { type Dates, GroupNotices } from "./sqlite_group_notices.ts";
import { bothOf, type GroupRow, type GroupRows, stateBytes } from "./sqlite_group_rows.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";
import type { Messages } from "./sqlite_messages.ts";
import { Welcomes } from "./sqlite_welcomes.ts";
import type { StoreLimits } from "./store.ts";

/** Rows that one step of collection removes: a commit or Welcome may have megabytes. */
const collectRows = 16;

/** Changes of groups, all inside the transaction of the batch. */
export class Groups {
  readonly #rows: GroupRows;
  readonly #mailboxes: Mailboxes;
  readonly #welcomes: Welcomes;
  readonly #notices: GroupNotices;
  readonly #commits: Commits;
  readonly #oldCommits: Statement;
  readonly #oldWelcomes: Statement;
  readonly #deleteJoinKeys: Statement;

  constructor(db: Connection, rows: GroupRows, mailboxes: Mailboxes, messages: Messages) {
    this.#rows = rows;
    this.#mailboxes = mailboxes;
    this.#welcomes = new Welcomes(db);
    this.#notices = new GroupNotices(mailboxes, messages);
    this.#commits = new Commits(db, rows, mailboxes, this.#notices, this.#welcomes);
    this.#oldCommits = db.prepare(
      `SELECT c.slot & 68719476735 AS epoch, g.id, g.name FROM commits c JOIN groups g ON g.id = c.slot >> 36
       WHERE c.until <= ? ORDER BY c.until LIMIT ${collectRows}`,
    );
    this.#oldWelcomes = db.prepare(
      `SELECT w.id AS welcome, g.id, g.name FROM welcomes w JOIN groups g ON g.id = w.grp
       WHERE w.until <= ? ORDER BY w.until LIMIT ${collectRows}`,
    );
    this.#deleteJoinKeys = db.prepare(`DELETE FROM join_keys WHERE until <= ? ORDER BY until LIMIT ${collectRows}`);
  }

  /** See Store. */
  create(next: NewGroup, { maxGroups }: GroupBounds, limits: StoreLimits): GroupPut {
    const { group: name, device, account, direct, suite, groupInfo } = next;
    const known = bothOf(this.#rows.all(name))[direct ? 0 : 1];
    if (known !== null) {
      const first = known.epoch === 0 && known.suite === suite && equal(known.maker, device);
      const state = first ? this.#rows.state(known, 0) : null;
      return state !== null && equal(state.groupInfo, groupInfo) ? "stored" : "exists";
    }
    if (this.#rows.countOf(device) >= maxGroups) return "too_many";
    const state = { roster: [device], groupInfo };
    if (this.#mailboxes.totals.bytes + stateBytes(state) > limits.maxTotal) return "storage_full";
    this.#rows.insert({ name, suite, creator: account, maker: device, direct }, state);
    return "stored";
  }

  /** See Store. */
  commit(commit: NewCommit, bounds: GroupBounds, limits: StoreLimits): Committed {
    return this.#commits.commit(commit, bounds, limits);
  }

  /** See Store. */
  report(report: Parameters<GroupStore["report"]>[0], limits: StoreLimits): Reported {
    return this.#commits.report(report, limits);
  }

  /** See Store. */
  leave(name: Uint8Array, device: Uint8Array): boolean {
    const group = this.#rows.ofMember(name, device);
    if (group !== null) this.#commits.takeOff(group, device);
    return group !== null;
  }

  /** Takes a device that its account does not list any more off all rosters; to be called while it still has its mailbox. */
  leaveAll(device: Uint8Array): void {
    for (const name of this.#rows.namesOf(device)) this.leave(name, device);
  }

  /** Groups that have one of these devices on their rosters. */
  touched(devices: readonly Uint8Array[]): GroupRow[] {
    const found = devices.flatMap((device) => this.#rows.namesOf(device).flatMap((name) => this.#rows.all(name)));
    const keys = devices.map(keyOf);
    return [...new Set(found)].filter(({ members }) => keys.some((key) => members.has(key)));
  }

  /** Tells those on the rosters that the devices of an account among them are others now. */
  tellMembers(groups: readonly GroupRow[], dates: Dates, limits: StoreLimits): Noticed[] {
    return this.#notices.putMembers(groups, dates, limits);
  }

  /** See Store. */
  welcomed(name: Uint8Array, device: Uint8Array, epoch: number): void {
    const group = this.#rows.ofMember(name, device);
    if (group !== null) this.#shrink(group, this.#welcomes.joined(group, device, epoch));
  }

  /** See Store. */
  putJoinKey(key: NewJoinKey): JoinKeyPut {
    const group = this.#rows.ofMember(key.group, key.device);
    return group === null ? { kind: "not_a_member" } : this.#welcomes.putJoinKey(group, key);
  }

  /** See Store. */
  revokeJoinKey(name: Uint8Array, device: Uint8Array, keyHash: Uint8Array): boolean | null {
    const group = this.#rows.ofMember(name, device);
    return group && this.#welcomes.revokeJoinKey(group, keyHash);
  }

  /** Removes some commits, Welcomes and join keys whose time is over; true when there may be more. */
  collect(nowMs: number): boolean {
    const commits = this.#oldCommits.all(nowMs) as { epoch: number; id: number; name: Uint8Array }[];
    for (const { epoch, id, name } of commits) this.#commits.expire(this.#byId(id, name), epoch);
    const welcomes = this.#oldWelcomes.all(nowMs) as { welcome: number; id: number; name: Uint8Array }[];
    for (const { welcome, id, name } of welcomes) this.#shrink(this.#byId(id, name), this.#welcomes.expire(welcome));
    const keys = this.#deleteJoinKeys.run(nowMs).changes;
    return [commits.length, welcomes.length, keys].includes(collectRows);
  }

  #byId(id: number, name: Uint8Array): GroupRow {
    return this.#rows.all(name).find((group) => group.id === id) as GroupRow;
  }

  #shrink(group: GroupRow, bytes: number): void {
    if (bytes > 0) this.#rows.save(group, group.epoch, group.bytes - bytes);
  }
}
