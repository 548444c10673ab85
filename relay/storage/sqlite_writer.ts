/**
 * Applies batches, each in one synced commit, and keeps the write-ahead log short.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { NewBlob } from "./blob_store.ts";
import type { GroupBounds, GroupEnqueued, GroupStore, NewCommit, NewGroup, NewJoinKey } from "./group_store.ts";
import type { KeyPackageBounds, KeyPackageClaim, NewKeyPackage } from "./key_package_store.ts";
import type { InviteBounds, NewInvite, StoredBundle, StoredSealingKey, StoredToken } from "./store.ts";
import type { BundleChange } from "./account_store.ts";
import { Reserve } from "./reserve.ts";
import { Accounts } from "./sqlite_accounts.ts";
import { Blobs } from "./sqlite_blobs.ts";
import { closeLeavingLog, type Connection, openForWriting, synchronousOf } from "./sqlite_connection.ts";
import { Directory } from "./sqlite_directory.ts";
import { classify, toWire, type WireError } from "./sqlite_failure.ts";
import { FanOut } from "./sqlite_fan_out.ts";
import { GroupRows } from "./sqlite_group_rows.ts";
import { Groups } from "./sqlite_groups.ts";
import { KeyPackages } from "./sqlite_key_packages.ts";
import { Lists } from "./sqlite_lists.ts";
import { Mailboxes, type Totals } from "./sqlite_mailboxes.ts";
import { Invites } from "./sqlite_invites.ts";
import { type CollectStep, Messages } from "./sqlite_messages.ts";
import { Payloads } from "./sqlite_payloads.ts";
import { Recoveries } from "./sqlite_recoveries.ts";
import { Sessions } from "./sqlite_sessions.ts";
import { type Batch, Outcomes, type Step, unpackMessages } from "./sqlite_wire.ts";
import type { BundlePut, Range, StoreLimits } from "./store.ts";

const pageBytes = 4096;
/** Pages in the log, not yet in the database, that start a checkpoint: 8 MiB, a few milliseconds. */
const checkpointPages = 2_048;
/** Pages in the log at which the writer waits for readers to let go of it: 40 MiB, so that it stays below 64. */
const truncatePages = 10_000;

/** What became of one step: packed outcomes of messages, a value, or an error. */
export type StepResult =
  | { outcomes: ArrayBuffer }
  | { offered: GroupEnqueued[] }
  | { value: unknown }
  | { error: WireError };

/** Answer to a batch. */
export interface Applied {
  readonly results: StepResult[];
  readonly totals: Totals;
}

/** The one connection that writes. */
export class Writer {
  readonly #path: string;
  readonly #db: Connection;
  readonly #mailboxes: Mailboxes;
  readonly #messages: Messages;
  readonly #directory: Directory;
  readonly #invites: Invites;
  readonly #keyPackages: KeyPackages;
  readonly #blobs: Blobs;
  readonly #groupRows: GroupRows;
  readonly #groups: Groups;
  readonly #fanOut: FanOut;
  readonly #lists: Lists;
  readonly #sessions: Sessions;
  readonly #accounts: Accounts;
  readonly #reserve: Reserve;
  #running = -1;

  constructor(path: string, minFreeBytes: number, nowMs: number) {
    this.#path = path;
    this.#reserve = new Reserve(path, minFreeBytes);
    this.#db = openEvenIfFull(path, this.#reserve, nowMs);
    try {
      this.#mailboxes = new Mailboxes(this.#db);
      const payloads = new Payloads(this.#db, this.#mailboxes);
      this.#messages = new Messages(this.#db, this.#mailboxes, payloads);
      this.#directory = new Directory(this.#db);
      this.#invites = new Invites(this.#db);
      this.#keyPackages = new KeyPackages(this.#db, this.#mailboxes, this.#messages);
      this.#blobs = new Blobs(this.#db, this.#mailboxes);
      this.#groupRows = new GroupRows(this.#db, this.#mailboxes);
      this.#groups = new Groups(this.#db, this.#groupRows, this.#mailboxes, this.#messages);
      this.#fanOut = new FanOut(this.#groupRows, this.#mailboxes, this.#messages, payloads);
      const sessions = this.#sessions = new Sessions(this.#db, this.#mailboxes);
      const recoveries = new Recoveries(this.#db);
      this.#lists = new Lists(this.#db, this.#mailboxes, this.#messages, this.#groups, {
        dropOfDevice: (device) => {
          sessions.drop(device);
          this.#directory.dropSealingKey(device);
          this.#keyPackages.drop(device);
        },
        dropCodesOf: (device, account) => recoveries.dropMadeBy(device, account),
        dropOfAccount: (account) => this.#blobs.forgetAll(account),
      });
      this.#accounts = new Accounts(this.#db, this.#lists, sessions, recoveries, this.#invites);
      this.#takeReserve(nowMs);
    } catch (thrown) {
      this.drop();
      throw thrown;
    }
  }

  /** Sums over all mailboxes. */
  get totals(): Totals {
    return this.#mailboxes.totals;
  }

  /** `PRAGMA synchronous` of this connection. */
  get synchronous(): number {
    return synchronousOf(this.#db);
  }

  /** Applies a batch in one commit. Throws only when the store is damaged; then nothing may be acknowledged any more. */
  apply(batch: Batch): Applied {
    if (this.#reserve.due(batch.nowMs)) this.#takeReserve(batch.nowMs);
    const failed = new Map<number, StepResult>();
    let fullTimes = 0;
    for (;;) {
      try {
        return { results: this.#commit(batch, failed), totals: { ...this.totals } };
      } catch (thrown) {
        const failure = classify(thrown);
        // After a failed write or sync nobody knows what is on disk (docs/decisions/0005-sqlite.md 3): nothing more is tried.
        if (failure === "damaged") throw thrown;
        this.#rollBack();
        if (failure === "full" && ++fullTimes <= 2) this.#makeRoom(fullTimes, batch.nowMs);
        else this.#markFailed(batch, failed, thrown);
      }
    }
  }

  /** Moves the log into the database when it is long; an error of it is an error of the store. */
  checkpoint(nowMs: number): void {
    const [{ log, checkpointed }] = this.#db.pragma("wal_checkpoint(NOOP)") as { log: number; checkpointed: number }[];
    if (log <= truncatePages && log - checkpointed <= this.#backlogPages()) return;
    const done = this.#checkpointUnlessFull(log > truncatePages ? "TRUNCATE" : "PASSIVE");
    if (!done && this.#reserve.mayGrow) this.#makeRoom(2, nowMs);
  }

  /** Empties the log, says in the database that it needs none, and closes the file. */
  close(): void {
    let released = false;
    try {
      this.#checkpointUnlessFull("TRUNCATE");
      released = this.#releaseLog();
    } finally {
      // After a failure, and without room even to say so, the log must stay: its absence would look like a loss (log_check.ts).
      if (released) this.#db.close();
      else this.drop();
    }
  }

  /** Closes the file and leaves it and its log as the last good commit did. */
  drop(): void {
    closeLeavingLog(this.#db, this.#path);
  }

  #releaseLog(): boolean {
    try {
      this.#db.pragma("user_version = 0");
    } catch (thrown) {
      if (classify(thrown) !== "full") throw thrown;
      return false;
    }
    return this.#checkpointUnlessFull("TRUNCATE");
  }

  #commit(batch: Batch, failed: ReadonlyMap<number, StepResult>): StepResult[] {
    this.#mailboxes.begin();
    this.#db.exec("BEGIN IMMEDIATE");
    const results = batch.steps.map((step, i) => {
      this.#running = i;
      return failed.get(i) ?? this.#run(step, batch);
    });
    this.#running = -1;
    this.#mailboxes.flush();
    this.#db.exec("COMMIT");
    this.#mailboxes.committed();
    this.#groupRows.committed();
    return results;
  }

  #run(step: Step, { limits }: Batch): StepResult {
    if ("change" in step) return { value: this.#change(step.change, step.args, limits) };
    const { epochs } = step;
    if (epochs) {
      const messages = [...unpackMessages(step.packed, step.count)];
      return { offered: messages.map((one, i) => this.#fanOut.enqueue(one, epochs[i], limits, this.#reserve.mayGrow)) };
    }
    const outcomes = new Outcomes(step.count);
    for (const message of unpackMessages(step.packed, step.count)) {
      this.#messages.enqueue(message, limits, this.#reserve.mayGrow, outcomes);
    }
    return { outcomes: outcomes.buffer };
  }

  #change(name: string, args: readonly unknown[], limits: StoreLimits): unknown {
    switch (name) {
      case "account":
        return this.#accounts.change(args[0] as string, args[1] as readonly unknown[], limits, this.#reserve.mayGrow);
      case "putBundle":
        return this.#putBundle(...args as [StoredBundle, number, BundleChange | null], limits);
      case "acknowledge":
        return this.#messages.acknowledge(...args as [Uint8Array, readonly Range[]]);
      case "collect":
        return this.#collect(...args as [number]);
      case "confirmInvite":
        return this.#invites.confirm(...args as [Uint8Array, Uint8Array]);
      case "revokeInvite":
        return this.#invites.revoke(...args as [Uint8Array, Uint8Array]);
      case "leaveGroup":
        return this.#groups.leave(...args as [Uint8Array, Uint8Array]);
      case "welcomed":
        return this.#groups.welcomed(...args as [Uint8Array, Uint8Array, number]);
      case "reportCommit":
        return this.#groups.report(args[0] as Parameters<GroupStore["report"]>[0], limits);
      case "revokeJoinKey":
        return this.#groups.revokeJoinKey(...args as [Uint8Array, Uint8Array, Uint8Array]);
      case "settleBlob":
        return this.#blobs.settle(...args as [number, boolean]);
      case "forgetBlob":
        return this.#blobs.forget(...args as [Uint8Array, Uint8Array]);
      case "deleteToken":
        return this.#directory.deleteToken(...args as [string]);
      case "disallowAccount":
        return this.#directory.disallowAccount(...args as [Uint8Array]);
    }
    // Everything below grows the database.
    if (!this.#reserve.mayGrow) throw new QightError("storage_full");
    switch (name) {
      case "putSealingKey":
        return this.#directory.putSealingKey(...args as [StoredSealingKey]);
      case "putToken":
        return this.#directory.putToken(...args as [StoredToken]);
      case "putInvite":
        return this.#invites.put(...args as [NewInvite, InviteBounds]);
      case "claimInvite":
        return this.#invites.claim(...args as [Uint8Array, Uint8Array, { nowMs: number; keepUntilMs: number }]);
      case "publishKeyPackages":
        return this.#keyPackages.publish(...args as [Uint8Array, number, NewKeyPackage[], KeyPackageBounds]);
      case "claimKeyPackages":
        return this.#keyPackages.claim(args[0] as KeyPackageClaim, limits);
      case "createGroup":
        return this.#groups.create(...args as [NewGroup, GroupBounds], limits);
      case "commit":
        return this.#groups.commit(...args as [NewCommit, GroupBounds], limits);
      case "putJoinKey":
        return this.#groups.putJoinKey(args[0] as NewJoinKey);
      case "beginBlob":
        return this.#blobs.begin(args[0] as NewBlob, limits);
      case "appendBlob":
        return this.#blobs.append(...args as [Uint8Array, Uint8Array, number, Uint8Array], limits);
      case "allowAccount":
        return this.#directory.allowAccount(...args as [Uint8Array, string]);
      default:
        throw new QightError("internal", `The store knows no change ${name}`);
    }
  }

  #putBundle(next: StoredBundle, expectedVersion: number, change: BundleChange | null, limits: StoreLimits): BundlePut {
    const put = this.#lists.put(next, expectedVersion, change, { limits, mayGrow: this.#reserve.mayGrow });
    if (put.kind === "stored" && change?.session) this.#sessions.put(change.session);
    return put;
  }

  #collect(nowMs: number): CollectStep {
    const step = this.#messages.collect(nowMs);
    const more = [this.#invites, this.#keyPackages, this.#groups, this.#blobs, this.#accounts]
      .map((each) => each.collect(nowMs));
    return { ...step, more: step.more || more.includes(true) };
  }

  #markFailed(batch: Batch, failed: Map<number, StepResult>, thrown: unknown): void {
    const result = { error: toWire(thrown) };
    if (this.#running >= 0) failed.set(this.#running, result);
    else if (failed.size === batch.steps.length) throw thrown; // even an empty commit fails: no call can be served
    else batch.steps.forEach((_, i) => failed.has(i) || failed.set(i, result));
    this.#running = -1;
  }

  #rollBack(): void {
    if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
    this.#mailboxes.rolledBack();
    this.#groupRows.forget();
  }

  /** First the log is emptied; when that is not enough, the reserve goes and growing calls are refused. */
  #makeRoom(step: number, nowMs: number): void {
    if (step === 2) this.#reserve.release(nowMs);
    this.#checkpointUnlessFull("TRUNCATE");
    this.#running = -1;
  }

  #takeReserve(nowMs: number): void {
    this.#checkpointUnlessFull("TRUNCATE");
    const pages = this.#db.pragma("freelist_count", { simple: true }) as number;
    this.#reserve.take(nowMs, pages * pageBytes);
  }

  /**
   * A full disk can be left only when the log still fits into the database: half of the reserve is for that. While the
   * disk is full every page counts; once in the database, the log's space is used again from its start.
   */
  #backlogPages(): number {
    return this.#reserve.held ? Math.min(checkpointPages, this.#reserve.bytes / pageBytes / 2) : 0;
  }

  #checkpointUnlessFull(mode: "PASSIVE" | "TRUNCATE"): boolean {
    try {
      this.#db.pragma(`wal_checkpoint(${mode})`);
      return true;
    } catch (thrown) {
      // The log stays as it is and is tried again; every commit in it is synced already.
      if (classify(thrown) !== "full") throw thrown;
      return false;
    }
  }
}

/** A relay that ended on a full disk must be able to start there, for its readers to make room. */
function openEvenIfFull(path: string, reserve: Reserve, nowMs: number): Connection {
  try {
    return openForWriting(path);
  } catch (thrown) {
    if (classify(thrown) !== "full") throw thrown;
    reserve.release(nowMs);
    return openForWriting(path);
  }
}
