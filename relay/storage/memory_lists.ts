/**
 * Device lists of the store that forgets everything at exit.
 * @module
 */
import { equal, isOneOf } from "../../crypto/equal.ts";
import type { BundleChange, Ended, NoticeTimes } from "./account_store.ts";
import type { MemoryGroups } from "./memory_groups.ts";
import type { MemoryMailboxes } from "./memory_mailboxes.ts";
import type { BundlePut, StoredBundle } from "./store.ts";

/** What else is kept for devices and accounts, and goes when they go. */
export interface Belongings {
  /** Session, KeyPackages, sealing key. */
  dropOfDevice(device: Uint8Array): void;
  /** Recovery codes that it made for the account that goes on without it. */
  dropCodesOf(device: Uint8Array, account: Uint8Array): void;
  /** Claims on files. */
  dropOfAccount(account: Uint8Array): void;
}

/** Lists by account; the same answers as SQLite's. */
export class MemoryLists {
  readonly #mailboxes: MemoryMailboxes;
  readonly #groups: MemoryGroups;
  readonly #belongings: Belongings;
  readonly #lists = new Map<string, StoredBundle>();
  readonly #ended = new Map<string, Uint8Array>();

  constructor(mailboxes: MemoryMailboxes, groups: MemoryGroups, belongings: Belongings) {
    this.#mailboxes = mailboxes;
    this.#groups = groups;
    this.#belongings = belongings;
  }

  /** How many there are. */
  get size(): number {
    return this.#lists.size;
  }

  /** The list of an account, or null. */
  get(account: Uint8Array): StoredBundle | null {
    return this.#lists.get(account.toHex()) ?? null;
  }

  /** The signed end of an account, or null. */
  ended(account: Uint8Array): Uint8Array | null {
    return this.#ended.get(account.toHex()) ?? null;
  }

  /** See Store; changes nothing unless it answers `stored`. */
  put(next: StoredBundle, expectedVersion: number, change: BundleChange | null): BundlePut {
    const { account } = next;
    if (this.ended(account)) return { kind: "ended" };
    const stored = this.get(account);
    if ((stored?.version ?? 0) !== expectedVersion) return { kind: "version_conflict" };
    const moving = change?.moving ?? null;
    const foreign = next.devices.filter((device) => !equal(this.#mailboxes.accountOf(device) ?? account, account));
    if (foreign.some((device) => !moving || !equal(device, moving))) return { kind: "device_taken" };
    const before = stored?.devices ?? [];
    const dropped = without(before, next.devices);
    const differs = dropped.length > 0 || without(next.devices, before).length > 0;
    // The first list of an account is news to nobody.
    const touched = differs ? this.#groups.touched(before) : [];
    const left = foreign.flatMap((device) => this.#moveOut(device, change?.keepLeft ?? false));
    const createdFromIp = stored?.createdFromIp ?? next.createdFromIp;
    this.#lists.set(account.toHex(), { ...next, ...(createdFromIp === undefined ? {} : { createdFromIp }) });
    for (const device of dropped) {
      this.#belongings.dropCodesOf(device, account);
      this.#drop(device);
    }
    for (const device of next.devices) this.#mailboxes.assign(device, account);
    const groups = [...new Set([...touched, ...left])];
    const notices = change ? this.#groups.tellMembers(groups, change) : [];
    return { kind: "stored", dropped, moved: foreign, notices };
  }

  /** Takes an account's list away for ever, with its devices' mailboxes; an earlier end stays. */
  end(account: Uint8Array, end: Uint8Array, times: NoticeTimes): Ended {
    if (this.ended(account)) return { dropped: [], notices: [] };
    const dropped = this.get(account)?.devices ?? [];
    const touched = this.#groups.touched(dropped);
    for (const device of dropped) this.#drop(device);
    this.#forget(account);
    this.#ended.set(account.toHex(), end.slice());
    return { dropped, notices: this.#groups.tellMembers(touched, times) };
  }

  #drop(device: Uint8Array): void {
    this.#groups.leaveAll(device);
    this.#belongings.dropOfDevice(device);
    this.#mailboxes.dropAll(device);
    this.#mailboxes.assign(device, null);
  }

  #moveOut(device: Uint8Array, keepLeft: boolean) {
    const former = this.#mailboxes.accountOf(device) as Uint8Array;
    const list = this.get(former) as StoredBundle;
    const touched = this.#groups.touched(list.devices);
    this.#groups.leaveAll(device);
    this.#belongings.dropOfDevice(device);
    const devices = without(list.devices, [device]);
    if (devices.length > 0) {
      this.#belongings.dropCodesOf(device, former);
      this.#lists.set(former.toHex(), { ...list, devices });
    } else if (keepLeft) {
      this.#lists.set(former.toHex(), { ...list, devices: [] });
      this.#belongings.dropOfAccount(former);
    } else this.#forget(former);
    return touched;
  }

  #forget(account: Uint8Array): void {
    this.#lists.delete(account.toHex());
    this.#belongings.dropOfAccount(account);
  }
}

function without(devices: readonly Uint8Array[], others: readonly Uint8Array[]): Uint8Array[] {
  return devices.filter((device) => !isOneOf(device, others));
}
