/**
 * KeyPackages in the writer: keep, hand out once, expire.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import { QightError } from "../../proto/errors.ts";
import {
  isMeant,
  type KeyPackageBounds,
  type KeyPackageClaim,
  type KeyPackageCount,
  type KeyPackagesClaimed,
  type KeyPackagesPut,
  type NewKeyPackage,
  type StoredKeyPackage,
} from "./key_package_store.ts";
import type { Connection } from "./sqlite_connection.ts";
import { splitDevices } from "./sqlite_directory.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";
import type { Messages } from "./sqlite_messages.ts";
import type { Noticed, StoreLimits } from "./store.ts";

/** Rows that one step of collection removes. */
const collectRows = 256;

/** Counts what can still be handed out; for the reader as well. */
export const countKeyPackages =
  `SELECT count(*) FILTER (WHERE last_resort = 0) AS singleUse, max(last_resort) AS lastResort
  FROM key_packages WHERE device = ? AND suite = ? AND expires > ? AND bytes IS NOT NULL`;

/** The answer of `countKeyPackages`. */
export function countOf(row: unknown): KeyPackageCount {
  const { singleUse, lastResort } = row as { singleUse: number; lastResort: number | null };
  return { singleUse, lastResort: lastResort === 1 };
}

/** Statements on KeyPackages, all inside the transaction of the batch. */
export class KeyPackages {
  readonly #mailboxes: Mailboxes;
  readonly #messages: Messages;
  readonly #known: Statement;
  readonly #left: Statement;
  readonly #count: Statement;
  readonly #insert: Statement;
  readonly #deleteLastResort: Statement;
  readonly #bundle: Statement;
  readonly #choose: Statement;
  readonly #use: Statement;
  readonly #drop: Statement;
  readonly #collect: Statement;

  constructor(db: Connection, mailboxes: Mailboxes, messages: Messages) {
    this.#mailboxes = mailboxes;
    this.#messages = messages;
    this.#known = db.prepare("SELECT 1 FROM key_packages WHERE device = ? AND ref = ?");
    this.#left = db.prepare(
      `SELECT suite, last_resort AS lastResort, count(*) AS packages FROM key_packages
       WHERE device = ? AND expires > ? AND bytes IS NOT NULL GROUP BY suite, last_resort`,
    );
    this.#count = db.prepare(countKeyPackages);
    this.#insert = db.prepare(
      "INSERT INTO key_packages (device, suite, last_resort, expires, ref, crc, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.#deleteLastResort = db.prepare("DELETE FROM key_packages WHERE device = ? AND suite = ? AND last_resort = 1");
    this.#bundle = db.prepare("SELECT bundle, devices FROM accounts WHERE account = ?");
    this.#choose = db.prepare(
      `SELECT id, crc, bytes FROM key_packages
       WHERE device = ? AND suite = ? AND last_resort = ? AND expires > ? AND bytes IS NOT NULL ORDER BY id LIMIT 1`,
    );
    this.#use = db.prepare("UPDATE key_packages SET bytes = NULL, crc = 0 WHERE id = ?");
    this.#drop = db.prepare("DELETE FROM key_packages WHERE device = ?");
    this.#collect = db.prepare(`DELETE FROM key_packages WHERE expires <= ? ORDER BY expires LIMIT ${collectRows}`);
  }

  /** See Store. */
  publish(
    device: Uint8Array,
    suite: number,
    packages: readonly NewKeyPackage[],
    { nowMs, maxSingleUse, maxLastResort }: KeyPackageBounds,
  ): KeyPackagesPut {
    const seen = new Set<string>();
    const fresh = packages.filter(({ ref }) => {
      const isNew = !seen.has(ref.toHex()) && this.#known.get(device, ref) === undefined;
      seen.add(ref.toHex());
      return isNew;
    });
    const left = this.#left.all(device, nowMs) as { suite: number; lastResort: number; packages: number }[];
    const single = left.reduce((sum, one) => sum + (one.lastResort ? 0 : one.packages), 0);
    const suites = new Set(left.filter(({ lastResort }) => lastResort).map((one) => one.suite));
    if (fresh.some(({ lastResort }) => lastResort)) suites.add(suite);
    const all = single + fresh.filter(({ lastResort }) => !lastResort).length;
    const tooMany = fresh.length > 0 && (all > maxSingleUse || suites.size > maxLastResort);
    if (tooMany) return { kind: "too_many", count: this.#countOf(device, suite, nowMs) };
    for (const { ref, keyPackage, expiresAtMs, lastResort } of fresh) {
      if (lastResort) this.#deleteLastResort.run(device, suite);
      this.#insert.run(device, suite, Number(lastResort), expiresAtMs, ref, crc32(keyPackage), keyPackage);
    }
    return { kind: "stored", count: this.#countOf(device, suite, nowMs) };
  }

  /** See Store. */
  claim(claim: KeyPackageClaim, limits: StoreLimits): KeyPackagesClaimed {
    const { account, suite, validUntilMs, singleUse, low } = claim;
    const row = this.#bundle.get(account) as { bundle: Uint8Array; devices: Uint8Array } | undefined;
    if (row === undefined) return { bundle: null, packages: [], notices: [] };
    const packages: StoredKeyPackage[] = [];
    const notices: Noticed[] = [];
    for (const device of splitDevices(row.devices)) {
      if (!isMeant(claim, device)) continue;
      const once = singleUse ? this.#take(device, suite, 0, validUntilMs) : null;
      const keyPackage = once ?? this.#take(device, suite, 1, validUntilMs);
      if (keyPackage !== null) packages.push({ device, keyPackage, lastResort: once === null });
      if (!low || once === null) continue;
      const left = this.#countOf(device, suite, validUntilMs).singleUse;
      if (left + 1 === low.below) notices.push(...this.#notify(device, left, low, limits));
    }
    return { bundle: Uint8Array.from(row.bundle), packages, notices };
  }

  #notify(
    device: Uint8Array,
    left: number,
    { nowMs: receivedAtMs, noticeUntilMs: expiresAtMs }: NonNullable<KeyPackageClaim["low"]>,
    limits: StoreLimits,
  ): Noticed[] {
    const notice = { group: new Uint8Array(32), kind: "key_packages" as const, epoch: left };
    const mailbox = this.#mailboxes.find(device);
    const times = { received: receivedAtMs, expires: expiresAtMs };
    const seq = mailbox && this.#messages.notice(mailbox, notice, times, limits);
    return seq === null ? [] : [{ device, seq, notice, receivedAtMs, expiresAtMs }];
  }

  /** A device is listed no more. */
  drop(device: Uint8Array): void {
    this.#drop.run(device);
  }

  /** Removes some that have expired, used or not; true when there may be more. */
  collect(nowMs: number): boolean {
    return this.#collect.run(nowMs).changes === collectRows;
  }

  #take(device: Uint8Array, suite: number, lastResort: 0 | 1, validUntilMs: number): Uint8Array | null {
    const row = this.#choose.get(device, suite, lastResort, validUntilMs) as
      | { id: number; crc: number; bytes: Uint8Array }
      | undefined;
    if (row === undefined) return null;
    if (crc32(row.bytes) !== row.crc) {
      throw new QightError("store_damaged", "A stored KeyPackage does not match its checksum");
    }
    if (lastResort === 0) this.#use.run(row.id);
    return Uint8Array.from(row.bytes);
  }

  #countOf(device: Uint8Array, suite: number, nowMs: number): KeyPackageCount {
    return countOf(this.#count.get(device, suite, nowMs));
  }
}
