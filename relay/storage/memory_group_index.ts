/**
 * Which groups there are in memory: who finds which one, what all of them take up, and whom a change is told.
 * @module
 */
import { isOneOf } from "../../crypto/equal.ts";
import { hex } from "../../crypto/hex.ts";
import { inPair } from "./group_rules.ts";
import type { Asking, GroupNotice, Noticed } from "./group_store.ts";
import { bytesOf, type Group } from "./memory_group.ts";
import type { MemoryMailboxes } from "./memory_mailboxes.ts";

/** A device that a change is told, and what it is told. */
export interface Told {
  readonly device: Uint8Array;
  readonly kind: GroupNotice["kind"];
}

/** Groups and direct conversations; one name may be in both. */
export class MemoryGroupIndex {
  readonly #mailboxes: MemoryMailboxes;
  readonly #direct = new Map<string, Group>();
  readonly #plain = new Map<string, Group>();

  constructor(mailboxes: MemoryMailboxes) {
    this.#mailboxes = mailboxes;
  }

  /** How many there are. */
  get size(): number {
    return this.#direct.size + this.#plain.size;
  }

  all(): Group[] {
    return [...this.#direct.values(), ...this.#plain.values()];
  }

  named(name: Uint8Array, { direct }: { readonly direct: boolean }): Group | undefined {
    return (direct ? this.#direct : this.#plain).get(hex(name));
  }

  add(group: Group): void {
    this.#mailboxes.bytes += bytesOf(group);
    this.#mapOf(group).set(hex(group.name), group);
  }

  forget(group: Group): void {
    this.#mailboxes.bytes -= bytesOf(group);
    this.#mapOf(group).delete(hex(group.name));
  }

  /** Runs a change and counts what the group keeps after it. */
  change(group: Group, change: () => void): void {
    const before = bytesOf(group);
    change();
    this.#mailboxes.bytes += bytesOf(group) - before;
  }

  /** The group of that name that the device is in now. */
  ofMember(name: Uint8Array, device: Uint8Array): Group | null {
    return this.#whose(name, device, ({ now }) => now.roster);
  }

  /** Who was on the roster before the newest commit may report it, also when it removed them. */
  reportable(name: Uint8Array, device: Uint8Array): Group | null {
    return this.#whose(name, device, ({ now, before }) => [...now.roster, ...before?.roster ?? []]);
  }

  /** The group of that name that somebody is in, or may come into. */
  forComer(name: Uint8Array, { device, joinKeyHash, nowMs }: Asking): Group | null {
    const account = this.#mailboxes.accountOf(device);
    const direct = this.#direct.get(hex(name));
    if (direct?.direct && inPair(direct.direct, account)) return direct;
    const group = this.#plain.get(hex(name));
    if (account === null || !group) return null;
    const invited = joinKeyHash !== null && (group.joinKeys.get(hex(joinKeyHash)) ?? 0) > nowMs;
    // A device whose account has a seat comes in by itself: after a recovery nobody else of the account may be left.
    return invited || this.accounts(group.now.roster).has(hex(account)) ? group : null;
  }

  /** Groups that have the device on their rosters. */
  ofDevice(device: Uint8Array): Group[] {
    return this.all().filter(({ now }) => isOneOf(device, now.roster));
  }

  /** Accounts of a roster's devices, hex. */
  accounts(roster: readonly Uint8Array[]): Set<string> {
    return new Set(roster.flatMap((device) => {
      const account = this.#mailboxes.accountOf(device);
      return account ? [hex(account)] : [];
    }));
  }

  /** Puts notices of what happened into mailboxes. */
  notify(group: Group, to: readonly Told[], nowMs: number, untilMs: number): Noticed[] {
    return to.flatMap(({ device, kind }) => {
      const notice = { group: group.name, kind, epoch: group.epoch };
      return this.#mailboxes.notice(device, notice, nowMs, untilMs) ?? [];
    });
  }

  #mapOf({ direct }: Group): Map<string, Group> {
    return direct ? this.#direct : this.#plain;
  }

  #whose(name: Uint8Array, device: Uint8Array, who: (group: Group) => readonly Uint8Array[]): Group | null {
    if (this.#mailboxes.accountOf(device) === null) return null;
    const found = [this.#direct, this.#plain].flatMap((map) => map.get(hex(name)) ?? []);
    return found.find((group) => isOneOf(device, who(group))) ?? null;
  }
}
