/**
 * Device lists of accounts in the writer: put, move a device, drop devices, end an account.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import type { BundleChange, Ended, NoticeTimes } from "./account_store.ts";
import type { Connection } from "./sqlite_connection.ts";
import { joinDevices, splitDevices } from "./sqlite_directory.ts";
import type { GroupRow } from "./sqlite_group_rows.ts";
import type { Groups } from "./sqlite_groups.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";
import type { Messages } from "./sqlite_messages.ts";
import type { BundlePut, StoredBundle, StoreLimits } from "./store.ts";

/** What else is kept for devices and accounts, and goes when they go. */
export interface Belongings {
  /** Session, KeyPackages, sealing key. */
  dropOfDevice(device: Uint8Array): void;
  /** Recovery codes that it made for the account that goes on without it. */
  dropCodesOf(device: Uint8Array, account: Uint8Array): void;
  /** Claims on files. */
  dropOfAccount(account: Uint8Array): void;
}

/** Changes of lists, all inside the transaction of the batch. */
export class Lists {
  readonly #mailboxes: Mailboxes;
  readonly #messages: Messages;
  readonly #groups: Groups;
  readonly #belongings: Belongings;
  readonly #account: Statement;
  readonly #put: Statement;
  readonly #setDevices: Statement;
  readonly #delete: Statement;
  readonly #ended: Statement;
  readonly #putEnd: Statement;

  constructor(db: Connection, mailboxes: Mailboxes, messages: Messages, groups: Groups, belongings: Belongings) {
    this.#mailboxes = mailboxes;
    this.#messages = messages;
    this.#groups = groups;
    this.#belongings = belongings;
    this.#account = db.prepare("SELECT version, devices FROM accounts WHERE account = ?");
    this.#put = db.prepare(
      `INSERT INTO accounts (account, version, bundle, devices, created_from_ip) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (account) DO UPDATE SET version = excluded.version, bundle = excluded.bundle,
         devices = excluded.devices, created_from_ip = coalesce(created_from_ip, excluded.created_from_ip)`,
    );
    this.#setDevices = db.prepare("UPDATE accounts SET devices = ? WHERE account = ?");
    this.#delete = db.prepare("DELETE FROM accounts WHERE account = ?");
    this.#ended = db.prepare("SELECT 1 FROM ended_accounts WHERE account = ?");
    this.#putEnd = db.prepare("INSERT INTO ended_accounts (account, bytes) VALUES (?, ?)");
  }

  /** True after the end of an account. */
  ended(account: Uint8Array): boolean {
    return this.#ended.get(account) !== undefined;
  }

  /** See Store; changes nothing unless it answers `stored`. Throws `storage_full`. */
  put(
    next: StoredBundle,
    expectedVersion: number,
    change: BundleChange | null,
    { limits, mayGrow }: { readonly limits: StoreLimits; readonly mayGrow: boolean },
  ): BundlePut {
    const { account } = next;
    if (this.ended(account)) return { kind: "ended" };
    const stored = this.#account.get(account) as { version: number; devices: Uint8Array } | undefined;
    if ((stored?.version ?? 0) !== expectedVersion) return { kind: "version_conflict" };
    const moving = change?.moving ?? null;
    const foreign = next.devices.filter((device) => !equal(this.#ownerOf(device) ?? account, account));
    if (foreign.some((device) => !moving || !equal(device, moving))) return { kind: "device_taken" };
    const before = splitDevices(stored?.devices ?? new Uint8Array());
    const { added, dropped } = compare(before, next.devices);
    // While the disk is full a list may only get shorter: a stolen device must be got rid of even then.
    if (!mayGrow && (!stored || added.length > 0)) throw new QightError("storage_full");
    // The first list of an account is news to nobody.
    const touched = added.length + dropped.length > 0 ? this.#groups.touched(before) : [];
    const left = foreign.flatMap((device) => this.#moveOut(device, change?.keepLeft ?? false));
    this.#put.run(account, next.version, next.bundle, joinDevices(next.devices), next.createdFromIp ?? null);
    for (const device of dropped) {
      this.#belongings.dropCodesOf(device, account);
      this.#drop(device);
    }
    for (const device of next.devices) this.#mailboxes.assign(device, account);
    if (stored === undefined) this.#mailboxes.totals.accounts++;
    const notices = change ? this.#tell([...touched, ...left], change, limits) : [];
    return { kind: "stored", dropped, moved: foreign, notices };
  }

  /** Takes an account's list away for ever, with its devices' mailboxes; an earlier end stays. */
  end(account: Uint8Array, end: Uint8Array, times: NoticeTimes, limits: StoreLimits): Ended {
    if (this.ended(account)) return { dropped: [], notices: [] };
    const dropped = this.#devicesOf(account);
    const touched = this.#groups.touched(dropped);
    for (const device of dropped) this.#drop(device);
    this.#forget(account);
    this.#putEnd.run(account, end);
    return { dropped, notices: this.#tell(touched, times, limits) };
  }

  #drop(device: Uint8Array): void {
    this.#groups.leaveAll(device);
    this.#belongings.dropOfDevice(device);
    this.#messages.dropAll(device);
    this.#mailboxes.assign(device, null);
  }

  /** Its mailbox comes along: what waits in it can be read with the keys that the device still has. */
  #moveOut(device: Uint8Array, keepLeft: boolean): readonly GroupRow[] {
    const former = this.#ownerOf(device) as Uint8Array;
    const devices = this.#devicesOf(former);
    const touched = this.#groups.touched(devices);
    this.#groups.leaveAll(device);
    this.#belongings.dropOfDevice(device);
    const rest = devices.filter((each) => !equal(each, device));
    if (rest.length > 0) {
      // With nobody left these codes are the only way back to the account.
      this.#belongings.dropCodesOf(device, former);
      this.#setDevices.run(joinDevices(rest), former);
    } else if (keepLeft) {
      this.#setDevices.run(joinDevices([]), former);
      this.#belongings.dropOfAccount(former);
    } else this.#forget(former);
    return touched;
  }

  #forget(account: Uint8Array): void {
    this.#mailboxes.totals.accounts -= this.#delete.run(account).changes;
    this.#belongings.dropOfAccount(account);
  }

  #tell(groups: readonly GroupRow[], { nowMs, noticeUntilMs }: NoticeTimes, limits: StoreLimits) {
    const each = [...new Set(groups)];
    return this.#groups.tellMembers(each, { received: nowMs, expires: noticeUntilMs }, limits);
  }

  /** Whether an account lists a device now. */
  isOf(device: Uint8Array, account: Uint8Array): boolean {
    const owner = this.#ownerOf(device);
    return owner !== null && equal(owner, account);
  }

  #ownerOf(device: Uint8Array): Uint8Array | null {
    return this.#mailboxes.find(device)?.account ?? null;
  }

  #devicesOf(account: Uint8Array): Uint8Array[] {
    const row = this.#account.get(account) as { devices: Uint8Array } | undefined;
    return splitDevices(row?.devices ?? new Uint8Array());
  }
}

/** Which devices a list has more, and which it has no more. */
function compare(before: readonly Uint8Array[], after: readonly Uint8Array[]) {
  const old = new Set(before.map((device) => device.toHex()));
  const now = new Set(after.map((device) => device.toHex()));
  return {
    added: after.filter((device) => !old.has(device.toHex())),
    dropped: before.filter((device) => !now.has(device.toHex())),
  };
}
