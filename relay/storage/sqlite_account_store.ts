/**
 * Accounts as the relay sees them: changes go through the queue of commits, reads to the thread that reads.
 * @module
 */
import type {
  AccountStore,
  BundleStep,
  Closure,
  Ended,
  FoundRecovery,
  NamedAccount,
  NoticeTimes,
  Recovered,
  Recovery,
  Registered,
  ReportBounds,
  ReportPut,
  ReportSummary,
  StoredRecovery,
  StoredReport,
  StoredSession,
} from "./account_store.ts";
import type { CommitQueue } from "./commit_queue.ts";
import type { Read } from "./sqlite_group_store.ts";
import { SEEN_EVERY_MS } from "./sqlite_sessions.ts";

/** Devices of which it is remembered when they were last written down. */
const knownDevices = 100_000;

/** See AccountStore. */
export class SqliteAccountStore implements AccountStore {
  readonly #queue: CommitQueue;
  readonly #read: Read;
  /** What was written of devices seen: a connection within the hour costs no commit. */
  readonly #seen = new Map<string, number>();

  constructor(queue: CommitQueue, read: Read) {
    this.#queue = queue;
    this.#read = read;
  }

  opaqueSetup(): Promise<Uint8Array | null> {
    return this.#ask("opaqueSetup");
  }

  putOpaqueSetup(sealed: Uint8Array): Promise<Uint8Array> {
    return this.#change("putOpaqueSetup", [sealed], sealed.length);
  }

  register(named: NamedAccount, bundle: BundleStep | null, session: StoredSession): Promise<Registered> {
    const size = named.record.length + (bundle?.put.bundle.length ?? 0) + 1024;
    return this.#change("register", [named, bundle, session], size);
  }

  named(folded: string): Promise<NamedAccount | null> {
    return this.#ask("named", folded);
  }

  nameOf(account: Uint8Array): Promise<NamedAccount | null> {
    return this.#ask("nameOf", account);
  }

  names(): Promise<number> {
    return this.#ask("names");
  }

  setRecord(account: Uint8Array, record: string, keep: Uint8Array | null): Promise<boolean> {
    return this.#change("setRecord", [account, record, keep], record.length + 128);
  }

  putSession(session: StoredSession): Promise<void> {
    return this.#change("putSession", [session]);
  }

  session(tokenHash: Uint8Array): Promise<StoredSession | null> {
    return this.#ask("session", tokenHash);
  }

  sessionsOf(account: Uint8Array, nowMs: number): Promise<StoredSession[]> {
    return this.#ask("sessionsOf", account, nowMs);
  }

  touchSession(tokenHash: Uint8Array, expiresAtMs: number): Promise<void> {
    return this.#change("touchSession", [tokenHash, expiresAtMs]);
  }

  endSession(account: Uint8Array, device: Uint8Array): Promise<boolean> {
    return this.#change("endSession", [account, device]);
  }

  async seen(device: Uint8Array, atMs: number): Promise<void> {
    const key = device.toHex();
    if (atMs < (this.#seen.get(key) ?? -Infinity) + SEEN_EVERY_MS) return;
    if (this.#seen.size >= knownDevices) this.#seen.clear();
    this.#seen.set(key, atMs);
    await this.#change("seen", [device, atMs]);
  }

  offLists(max: number): Promise<Uint8Array[]> {
    return this.#ask("offLists", max);
  }

  lastSeen(devices: readonly Uint8Array[]): Promise<number[]> {
    return this.#ask("lastSeen", devices);
  }

  putRecovery(keeping: StoredRecovery): Promise<void> {
    return this.#change("putRecovery", [keeping], sizeOf(keeping));
  }

  renewRecovery(account: Uint8Array, sealed: Uint8Array): Promise<boolean> {
    return this.#change("renewRecovery", [account, sealed], sealed.length + 256);
  }

  recovery(locatorHash: Uint8Array): Promise<FoundRecovery | null> {
    return this.#ask("recovery", locatorHash);
  }

  recoveryOf(account: Uint8Array): Promise<{ readonly codes: number; readonly madeAtMs: number } | null> {
    return this.#ask("recoveryOf", account);
  }

  recover(recovery: Recovery): Promise<Recovered> {
    const { bundle, keeping, record } = recovery;
    const size = sizeOf(keeping) + bundle.put.bundle.length + (record?.length ?? 0) + 1024;
    return this.#change("recover", [recovery], size);
  }

  end(account: Uint8Array, end: Uint8Array, heldUntilMs: number, times: NoticeTimes): Promise<Ended> {
    return this.#change("end", [account, end, heldUntilMs, times], end.length + 256);
  }

  ended(account: Uint8Array): Promise<Uint8Array | null> {
    return this.#ask("ended", account);
  }

  close(closure: Closure): Promise<void> {
    return this.#change("close", [closure], closure.reason.length * 2 + 256);
  }

  reopen(account: Uint8Array): Promise<boolean> {
    return this.#change("reopen", [account]);
  }

  closures(): Promise<Closure[]> {
    return this.#ask("closures");
  }

  list(after: string, max: number): Promise<NamedAccount[]> {
    return this.#ask("list", after, max);
  }

  block(account: Uint8Array, blocked: Uint8Array, max: number): Promise<boolean> {
    return this.#change("block", [account, blocked, max]);
  }

  unblock(account: Uint8Array, blocked: Uint8Array): Promise<void> {
    return this.#change("unblock", [account, blocked]);
  }

  blocks(): Promise<{ readonly account: Uint8Array; readonly blocked: Uint8Array }[]> {
    return this.#ask("blocks");
  }

  putReport(report: StoredReport, bounds: ReportBounds): Promise<ReportPut> {
    return this.#change("putReport", [report, bounds], report.evidence.length + report.reason.length * 2 + 256);
  }

  reports(): Promise<ReportSummary[]> {
    return this.#ask("reports");
  }

  report(id: string): Promise<StoredReport | null> {
    return this.#ask("report", id);
  }

  deleteReport(id: string): Promise<boolean> {
    return this.#change("deleteReport", [id]);
  }

  #ask<T>(question: keyof AccountStore, ...args: readonly unknown[]): Promise<T> {
    return this.#read("account", [question, args]);
  }

  #change<T>(change: keyof AccountStore, args: readonly unknown[], bytes = 256): Promise<T> {
    return this.#queue.change("account", [change, args], bytes);
  }
}

function sizeOf({ sealed, codes }: StoredRecovery): number {
  return sealed.length + codes.reduce((sum, { wrapped }) => sum + wrapped.length + 64, 256);
}
