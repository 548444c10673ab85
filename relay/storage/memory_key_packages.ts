/**
 * KeyPackages of the store that forgets everything at exit.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import {
  isMeant,
  type KeyPackageBounds,
  type KeyPackageClaim,
  type KeyPackageCount,
  type KeyPackagesClaimed,
  type KeyPackagesPut,
  type KeyPackageStore,
  type NewKeyPackage,
  type StoredKeyPackage,
} from "./key_package_store.ts";
import type { MemoryMailboxes } from "./memory_mailboxes.ts";
import type { Noticed, StoredBundle } from "./store.ts";

interface Kept {
  readonly device: Uint8Array;
  readonly suite: number;
  readonly ref: string;
  readonly expiresAtMs: number;
  readonly lastResort: boolean;
  /** Null once it was handed out. */
  bytes: Uint8Array | null;
}

/** Packages in the order they came; the same answers as the SQLite table's. */
export class MemoryKeyPackages implements KeyPackageStore {
  readonly #bundleOf: (account: Uint8Array) => StoredBundle | null;
  readonly #mailboxes: MemoryMailboxes;
  readonly #changed: () => void;
  #kept: Kept[] = [];

  constructor(
    bundleOf: (account: Uint8Array) => StoredBundle | null,
    mailboxes: MemoryMailboxes,
    changed: () => void,
  ) {
    this.#mailboxes = mailboxes;
    this.#bundleOf = bundleOf;
    this.#changed = changed;
  }

  async publish(
    device: Uint8Array,
    suite: number,
    packages: readonly NewKeyPackage[],
    { nowMs, maxSingleUse, maxLastResort }: KeyPackageBounds,
  ): Promise<KeyPackagesPut> {
    this.#changed();
    const mine = this.#kept.filter((each) => equal(each.device, device));
    const known = new Set(mine.map(({ ref }) => ref));
    const fresh = packages.filter(({ ref }) => !known.has(ref.toHex()) && known.add(ref.toHex()));
    const left = mine.filter(({ bytes, expiresAtMs }) => bytes !== null && expiresAtMs > nowMs);
    const single = left.filter(({ lastResort }) => !lastResort).length + fresh.filter((one) => !one.lastResort).length;
    const suites = new Set(left.filter(({ lastResort }) => lastResort).map((one) => one.suite));
    if (fresh.some(({ lastResort }) => lastResort)) suites.add(suite);
    const tooMany = fresh.length > 0 && (single > maxSingleUse || suites.size > maxLastResort);
    if (tooMany) return { kind: "too_many", count: this.#count(device, suite, nowMs) };
    for (const { ref, keyPackage, expiresAtMs, lastResort } of fresh) {
      if (lastResort) {
        this.#kept = this.#kept.filter((one) => !(one.lastResort && one.suite === suite && equal(one.device, device)));
      }
      const bytes = keyPackage.slice();
      this.#kept.push({ device: device.slice(), suite, ref: ref.toHex(), expiresAtMs, lastResort, bytes });
    }
    return { kind: "stored", count: this.#count(device, suite, nowMs) };
  }

  async count(device: Uint8Array, suite: number, nowMs: number): Promise<KeyPackageCount> {
    return this.#count(device, suite, nowMs);
  }

  async claim(claim: KeyPackageClaim): Promise<KeyPackagesClaimed> {
    const { account, suite, validUntilMs, singleUse, low } = claim;
    this.#changed();
    const bundle = this.#bundleOf(account);
    const packages: StoredKeyPackage[] = [];
    const notices: Noticed[] = [];
    for (const device of bundle?.devices ?? []) {
      if (!isMeant(claim, device)) continue;
      const good = this.#left(device, suite, validUntilMs);
      const chosen = (singleUse ? good.find(({ lastResort }) => !lastResort) : undefined) ??
        good.find(({ lastResort }) => lastResort);
      if (!chosen) continue;
      packages.push({ device, keyPackage: chosen.bytes!.slice(), lastResort: chosen.lastResort });
      if (chosen.lastResort) continue;
      chosen.bytes = null;
      const left = this.#count(device, suite, validUntilMs).singleUse;
      if (low?.below !== left + 1) continue;
      const notice = { group: new Uint8Array(32), kind: "key_packages" as const, epoch: left };
      const noticed = this.#mailboxes.notice(device, notice, low.nowMs, low.noticeUntilMs);
      if (noticed) notices.push(noticed);
    }
    return { bundle: bundle?.bundle ?? null, packages, notices };
  }

  /** A device is listed no more. */
  drop(device: Uint8Array): void {
    this.#kept = this.#kept.filter((one) => !equal(one.device, device));
  }

  /** Forgets what has expired, also that it was handed out. */
  collect(nowMs: number): void {
    this.#kept = this.#kept.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  }

  #left(device: Uint8Array, suite: number, nowMs: number): Kept[] {
    return this.#kept.filter((one) =>
      one.bytes !== null && one.suite === suite && one.expiresAtMs > nowMs && equal(one.device, device)
    );
  }

  #count(device: Uint8Array, suite: number, nowMs: number): KeyPackageCount {
    const left = this.#left(device, suite, nowMs);
    const lastResort = left.some((one) => one.lastResort);
    return { singleUse: left.filter((one) => !one.lastResort).length, lastResort };
  }
}
