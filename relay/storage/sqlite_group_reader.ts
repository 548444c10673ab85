/**
 * What is read of groups and KeyPackages, on the connection that never waits for a commit.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import { inPair } from "./group_rules.ts";
import type { Asking, CommitPage, ListedGroup, StoredCommit, StoredGroup, StoredWelcome } from "./group_store.ts";
import type { KeyPackageCount } from "./key_package_store.ts";
import type { Connection } from "./sqlite_connection.ts";
import { splitDevices } from "./sqlite_directory.ts";
import { bothOf, pairOf, readState } from "./sqlite_group_rows.ts";
import { countKeyPackages, countOf } from "./sqlite_key_packages.ts";

interface Row {
  id: number;
  suite: number;
  direct: Uint8Array;
  epoch: number;
}

interface CommitRow {
  epoch: number;
  device: Uint8Array;
  accepted: number;
  crc: number;
  bytes: Uint8Array;
}

/** Statements that read groups; each answer is of one moment. */
export class GroupReader {
  readonly #ofMember: Statement;
  readonly #all: Statement;
  readonly #account: Statement;
  readonly #devices: Statement;
  readonly #isMember: Statement;
  readonly #joinKey: Statement;
  readonly #state: Statement;
  readonly #roster: Statement;
  readonly #oldest: Statement;
  readonly #commits: Statement;
  readonly #welcome: Statement;
  readonly #welcomeEpoch: Statement;
  readonly #list: Statement;
  readonly #count: Statement;
  readonly #once: <T>(read: () => T) => T;

  constructor(db: Connection) {
    const columns = "g.id, g.suite, g.direct, g.epoch";
    this.#ofMember = db.prepare(
      `SELECT ${columns} FROM mailboxes b JOIN members m ON m.device = b.device JOIN groups g ON g.id = m.grp
       WHERE b.device = ? AND b.account IS NOT NULL AND g.name = ? ORDER BY length(g.direct) DESC LIMIT 1`,
    );
    this.#all = db.prepare(`SELECT ${columns} FROM groups g WHERE g.name = ?`);
    this.#account = db.prepare("SELECT account FROM mailboxes WHERE device = ? AND account IS NOT NULL").pluck();
    this.#devices = db.prepare("SELECT devices FROM accounts WHERE account = ?").pluck();
    this.#isMember = db.prepare("SELECT 1 FROM members WHERE device = ? AND grp = ?");
    this.#joinKey = db.prepare("SELECT 1 FROM join_keys WHERE grp = ? AND hash = ? AND until > ?");
    this.#state = db.prepare("SELECT roster, crc, group_info FROM group_states WHERE slot = (? << 36) | ?");
    this.#roster = db.prepare("SELECT roster FROM group_states WHERE slot = (? << 36) | ?").pluck();
    this.#oldest = db.prepare(
      `SELECT min(slot) & 68719476735 FROM commits WHERE slot BETWEEN ? << 36 AND (? << 36) | 68719476735`,
    ).pluck();
    this.#commits = db.prepare(
      `SELECT slot & 68719476735 AS epoch, device, accepted, crc, bytes FROM commits
       WHERE slot BETWEEN (? << 36) | ? AND (? << 36) | 68719476735 ORDER BY slot`,
    );
    const waiting = "FROM welcomed p JOIN welcomes w ON w.id = p.welcome WHERE p.device = ? AND p.grp = ?";
    this.#welcome = db.prepare(`SELECT w.bytes, w.device, w.epoch, w.crc ${waiting}`);
    this.#welcomeEpoch = db.prepare(`SELECT w.epoch ${waiting}`).pluck();
    this.#list = db.prepare(
      `SELECT g.name, g.epoch, g.direct, EXISTS (SELECT 1 FROM welcomed p WHERE p.device = m.device AND p.grp = g.id)
         AS welcome
       FROM mailboxes b JOIN members m ON m.device = b.device JOIN groups g ON g.id = m.grp
       WHERE b.device = ? AND b.account IS NOT NULL ORDER BY g.id`,
    );
    this.#count = db.prepare(countKeyPackages);
    const transaction = db.transaction((read: () => unknown) => read());
    this.#once = <T>(read: () => T) => transaction(read) as T;
  }

  /** See Store. */
  commits(
    name: Uint8Array,
    device: Uint8Array,
    fromEpoch: number,
    max: number,
    maxBytes: number,
  ): CommitPage | null {
    return this.#once(() => {
      const group = this.#member(name, device);
      if (group === null) return null;
      const { id, epoch } = group;
      const oldest = (this.#oldest.get(id, id) as number | null) ?? epoch;
      const welcome = (this.#welcomeEpoch.get(device, id) as number | undefined) ?? null;
      const commits = fromEpoch < oldest || fromEpoch >= epoch ? [] : this.#page(id, fromEpoch, max, maxBytes);
      return { commits, epoch, oldest, welcome };
    });
  }

  /** See Store. */
  group(name: Uint8Array, { device, joinKeyHash, nowMs }: Asking): StoredGroup | null {
    return this.#once(() => {
      const account = this.#account.get(device) as Uint8Array | undefined;
      if (account === undefined) return null;
      const rows = (this.#all.all(name) as Row[]).map((row) => ({ ...row, direct: pairOf(row.direct) }));
      const [direct, plain] = bothOf(rows);
      const isSide = direct?.direct && inPair(direct.direct, Uint8Array.from(account));
      const mayCome = () =>
        plain !== null && (this.#hasSeat(plain.id, account) ||
          (joinKeyHash !== null && this.#joinKey.get(plain.id, joinKeyHash, nowMs) !== undefined));
      const found = isSide ? direct : mayCome() ? plain : null;
      if (found === null) return null;
      const state = readState(this.#state.get(found.id, found.epoch));
      if (state === null) throw new QightError("store_damaged", `The database has no roster of group ${found.id}`);
      const { epoch, suite } = found;
      return {
        epoch,
        suite,
        direct: found.direct,
        roster: state.roster,
        groupInfo: Uint8Array.from(state.groupInfo),
      };
    });
  }

  /** See Store. */
  others(name: Uint8Array, device: Uint8Array): Uint8Array[] | null {
    return this.#once(() => {
      const group = this.#member(name, device);
      const roster = group && (this.#roster.get(group.id, group.epoch) as Uint8Array | undefined);
      return roster ? splitDevices(roster).filter((each) => !equal(each, device)) : null;
    });
  }

  /** See Store. */
  welcome(name: Uint8Array, device: Uint8Array): StoredWelcome | null {
    return this.#once(() => {
      const group = this.#member(name, device);
      const row = group && (this.#welcome.get(device, group.id) as
        | { bytes: Uint8Array; device: Uint8Array; epoch: number; crc: number }
        | undefined);
      if (!row) return null;
      if (crc32(row.bytes) !== row.crc) throw damaged("A stored Welcome");
      return { welcome: Uint8Array.from(row.bytes), device: Uint8Array.from(row.device), epoch: row.epoch };
    });
  }

  /** See Store. */
  list(device: Uint8Array): ListedGroup[] {
    const rows = this.#list.all(device) as { name: Uint8Array; epoch: number; direct: Uint8Array; welcome: number }[];
    return rows.map(({ name, epoch, direct, welcome }) => (
      { group: Uint8Array.from(name), epoch, welcome: welcome === 1, direct: pairOf(direct) }
    ));
  }

  /** See Store. */
  countKeyPackages(device: Uint8Array, suite: number, nowMs: number): KeyPackageCount {
    return countOf(this.#count.get(device, suite, nowMs));
  }

  #hasSeat(group: number, account: Uint8Array): boolean {
    const devices = this.#devices.get(account) as Uint8Array | undefined;
    return devices !== undefined && splitDevices(devices).some((one) => this.#isMember.get(one, group) !== undefined);
  }

  #member(name: Uint8Array, device: Uint8Array): Row | null {
    return (this.#ofMember.get(device, name) as Row | undefined) ?? null;
  }

  #page(id: number, fromEpoch: number, max: number, maxBytes: number): StoredCommit[] {
    const commits: StoredCommit[] = [];
    let bytes = 0;
    for (const row of this.#commits.iterate(id, fromEpoch, id) as Iterable<CommitRow>) {
      bytes += row.bytes.length;
      if (commits.length > 0 && (commits.length >= max || bytes > maxBytes)) break;
      if (crc32(row.bytes) !== row.crc) throw damaged(`The stored commit of epoch ${row.epoch}`);
      const [device, commit] = [Uint8Array.from(row.device), Uint8Array.from(row.bytes)];
      commits.push({ epoch: row.epoch, device, commit, acceptedAtMs: row.accepted });
    }
    return commits;
  }
}

function damaged(what: string): QightError {
  return new QightError("store_damaged", `${what} does not match its checksum`);
}
