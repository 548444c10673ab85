/**
 * Accounts of the store that forgets everything at exit.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import {
  type AccountStore,
  type BundleStep,
  type Closure,
  type Ended,
  type FoundRecovery,
  type NamedAccount,
  NOTHING_CHANGED,
  type NoticeTimes,
  type Recovered,
  type Recovery,
  type Registered,
  type ReportBounds,
  type ReportPut,
  type ReportSummary,
  type StoredRecovery,
  type StoredReport,
  type StoredSession,
} from "./account_store.ts";
import type { MemoryInvites } from "./memory_invites.ts";
import type { MemoryLists } from "./memory_lists.ts";
import type { MemoryMailboxes } from "./memory_mailboxes.ts";
import { MemoryNames } from "./memory_names.ts";
import type { MemoryRecoveries } from "./memory_recoveries.ts";
import type { MemorySessions } from "./memory_sessions.ts";

/** What the accounts are put together from. */
export interface AccountParts {
  readonly lists: MemoryLists;
  readonly sessions: MemorySessions;
  readonly recoveries: MemoryRecoveries;
  readonly invites: MemoryInvites;
  readonly mailboxes: MemoryMailboxes;
  readonly changed: () => void;
}

/** All accounts; the same answers as SQLite's. */
export class MemoryAccounts implements AccountStore {
  readonly #parts: AccountParts;
  readonly #names = new MemoryNames();
  readonly #closures = new Map<string, Closure>();
  readonly #blocks = new Map<string, { readonly account: Uint8Array; readonly blocked: Uint8Array }>();
  readonly #reports = new Map<string, StoredReport>();
  #opaqueSetup: Uint8Array | null = null;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  async opaqueSetup(): Promise<Uint8Array | null> {
    return this.#opaqueSetup;
  }

  async putOpaqueSetup(sealed: Uint8Array): Promise<Uint8Array> {
    this.#parts.changed();
    return this.#opaqueSetup ??= sealed.slice();
  }

  async register(named: NamedAccount, bundle: BundleStep | null, session: StoredSession): Promise<Registered> {
    this.#parts.changed();
    const known = this.#names.of(named.account);
    if (known) return { kind: "has_name", name: known.name };
    if (this.#parts.lists.ended(named.account)) return { kind: "ended" };
    if (this.#names.isTaken(named)) return { kind: "name_taken" };
    const put = bundle && this.#parts.lists.put(bundle.put, bundle.expectedVersion, bundle.change);
    if (put && put.kind !== "stored") return put;
    this.#names.put(named);
    this.#parts.sessions.put(session);
    return { ...put ?? NOTHING_CHANGED, kind: "registered" };
  }

  async named(folded: string): Promise<NamedAccount | null> {
    return this.#names.get(folded);
  }

  async nameOf(account: Uint8Array): Promise<NamedAccount | null> {
    return this.#names.of(account);
  }

  async names(): Promise<number> {
    return this.#names.size;
  }

  async setRecord(account: Uint8Array, record: string, keep: Uint8Array | null): Promise<boolean> {
    this.#parts.changed();
    if (!this.#names.setRecord(account, record)) return false;
    this.#parts.sessions.endAll(account, keep);
    return true;
  }

  async putSession(session: StoredSession): Promise<void> {
    this.#parts.changed();
    this.#parts.sessions.put(session);
  }

  async session(tokenHash: Uint8Array): Promise<StoredSession | null> {
    return this.#parts.sessions.get(tokenHash);
  }

  async sessionsOf(account: Uint8Array, nowMs: number): Promise<StoredSession[]> {
    return this.#parts.sessions.of(account, nowMs);
  }

  async touchSession(tokenHash: Uint8Array, expiresAtMs: number): Promise<void> {
    this.#parts.changed();
    this.#parts.sessions.touch(tokenHash, expiresAtMs);
  }

  async endSession(account: Uint8Array, device: Uint8Array): Promise<boolean> {
    this.#parts.changed();
    return this.#parts.sessions.end(account, device);
  }

  async seen(device: Uint8Array, atMs: number): Promise<void> {
    if (this.#parts.mailboxes.accountOf(device) !== null) this.#parts.sessions.seen(device, atMs);
  }

  async offLists(max: number): Promise<Uint8Array[]> {
    return this.#parts.mailboxes.offLists(max);
  }

  async lastSeen(devices: readonly Uint8Array[]): Promise<number[]> {
    return devices.map((device) => this.#parts.sessions.lastSeen(device));
  }

  async putRecovery(keeping: StoredRecovery): Promise<void> {
    this.#parts.changed();
    const owner = this.#parts.mailboxes.accountOf(keeping.device);
    if (owner === null || !equal(owner, keeping.account)) throw new QightError("not_listed");
    this.#parts.recoveries.check(keeping);
    this.#parts.recoveries.put(keeping);
  }

  async renewRecovery(account: Uint8Array, sealed: Uint8Array): Promise<boolean> {
    this.#parts.changed();
    const kept = this.#parts.recoveries.of(account);
    if (kept) this.#parts.recoveries.put({ ...kept, sealed });
    return kept !== null;
  }

  async recovery(locatorHash: Uint8Array): Promise<FoundRecovery | null> {
    return this.#parts.recoveries.find(locatorHash);
  }

  async recoveryOf(account: Uint8Array): Promise<{ readonly codes: number; readonly madeAtMs: number } | null> {
    const kept = this.#parts.recoveries.of(account);
    return kept ? { codes: kept.codes.length, madeAtMs: kept.madeAtMs } : null;
  }

  async recover({ locatorHash, bundle, keeping, record, session }: Recovery): Promise<Recovered> {
    this.#parts.changed();
    const { account } = bundle.put;
    const codes = this.#parts.recoveries.of(account)?.codes ?? [];
    if (!codes.some((one) => equal(one.locatorHash, locatorHash))) return { kind: "code_unknown" };
    this.#parts.recoveries.check(keeping);
    const put = this.#parts.lists.put(bundle.put, bundle.expectedVersion, bundle.change);
    if (put.kind !== "stored") return put;
    this.#parts.recoveries.put(keeping);
    if (record !== null) this.#names.setRecord(account, record);
    this.#parts.sessions.endAll(account, null);
    if (session) this.#parts.sessions.put(session);
    return { ...put, kind: "recovered" };
  }

  async end(account: Uint8Array, end: Uint8Array, heldUntilMs: number, times: NoticeTimes): Promise<Ended> {
    this.#parts.changed();
    const ended = this.#parts.lists.end(account, end, times);
    for (const device of ended.dropped) this.#parts.invites.drop(device);
    this.#names.hold(account, heldUntilMs);
    this.#parts.sessions.endAll(account, null);
    this.#parts.recoveries.drop(account);
    for (const [key, block] of this.#blocks) if (equal(block.account, account)) this.#blocks.delete(key);
    return ended;
  }

  async ended(account: Uint8Array): Promise<Uint8Array | null> {
    return this.#parts.lists.ended(account);
  }

  async close(closure: Closure): Promise<void> {
    this.#parts.changed();
    this.#closures.set(closure.account.toHex(), closure);
    this.#parts.sessions.endAll(closure.account, null);
  }

  async reopen(account: Uint8Array): Promise<boolean> {
    this.#parts.changed();
    return this.#closures.delete(account.toHex());
  }

  async closures(): Promise<Closure[]> {
    return [...this.#closures].sort(([a], [b]) => a < b ? -1 : 1).map(([, closure]) => closure);
  }

  async list(after: string, max: number): Promise<NamedAccount[]> {
    return this.#names.list(after, max);
  }

  async block(account: Uint8Array, blocked: Uint8Array, max: number): Promise<boolean> {
    this.#parts.changed();
    const key = account.toHex() + blocked.toHex();
    if (this.#blocks.has(key)) return true;
    if ([...this.#blocks.values()].filter((one) => equal(one.account, account)).length >= max) return false;
    this.#blocks.set(key, { account: account.slice(), blocked: blocked.slice() });
    return true;
  }

  async unblock(account: Uint8Array, blocked: Uint8Array): Promise<void> {
    this.#parts.changed();
    this.#blocks.delete(account.toHex() + blocked.toHex());
  }

  async blocks(): Promise<{ readonly account: Uint8Array; readonly blocked: Uint8Array }[]> {
    return [...this.#blocks.values()];
  }

  async putReport(report: StoredReport, { max, maxOfReporter }: ReportBounds): Promise<ReportPut> {
    this.#parts.changed();
    const own = [...this.#reports.values()].filter(({ reporter }) => equal(reporter, report.reporter));
    if (own.length >= maxOfReporter) return "too_many";
    if (this.#reports.size >= max) return "full";
    if (this.#reports.has(report.id)) return "id_taken";
    this.#reports.set(report.id, report);
    return "stored";
  }

  async reports(): Promise<ReportSummary[]> {
    return [...this.#reports.values()].sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1))
      .map(({ evidence: _, ...summary }) => summary);
  }

  async report(id: string): Promise<StoredReport | null> {
    return this.#reports.get(id) ?? null;
  }

  async deleteReport(id: string): Promise<boolean> {
    this.#parts.changed();
    return this.#reports.delete(id);
  }

  /** Forgets what is over. */
  collect(nowMs: number): void {
    this.#names.collect(nowMs);
    this.#parts.sessions.collect(nowMs);
    for (const [key, { untilMs }] of this.#closures) {
      if (untilMs !== null && untilMs <= nowMs) this.#closures.delete(key);
    }
  }
}
