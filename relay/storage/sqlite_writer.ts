/**
 * Applies batches, each in one synced commit, and keeps the write-ahead log short.
 * @module
 */
import { Reserve } from "./reserve.ts";
import { closeLeavingLog, type Connection, openForWriting, synchronousOf } from "./sqlite_connection.ts";
import { classify, toWire } from "./sqlite_failure.ts";
import type { Totals } from "./sqlite_mailboxes.ts";
import { type StepResult, Steps } from "./sqlite_steps.ts";
import type { Batch } from "./sqlite_wire.ts";

const pageBytes = 4096;
/** Pages in the log, not yet in the database, that start a checkpoint: 8 MiB, a few milliseconds. */
const checkpointPages = 2_048;
/** Pages in the log at which the writer waits for readers to let go of it: 40 MiB, so that it stays below 64. */
const truncatePages = 10_000;

/** Answer to a batch. */
export interface Applied {
  readonly results: StepResult[];
  readonly totals: Totals;
}

/** The one connection that writes. */
export class Writer {
  readonly #path: string;
  readonly #db: Connection;
  readonly #steps: Steps;
  readonly #reserve: Reserve;
  #running = -1;

  constructor(path: string, minFreeBytes: number, nowMs: number) {
    this.#path = path;
    this.#reserve = new Reserve(path, minFreeBytes);
    this.#db = openEvenIfFull(path, this.#reserve, nowMs);
    try {
      this.#steps = new Steps(this.#db, () => this.#reserve.mayGrow);
      this.#takeReserve(nowMs);
    } catch (thrown) {
      this.drop();
      throw thrown;
    }
  }

  /** Sums over all mailboxes. */
  get totals(): Totals {
    return this.#steps.totals;
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
    this.#steps.begin();
    this.#db.exec("BEGIN IMMEDIATE");
    const results = batch.steps.map((step, i) => {
      this.#running = i;
      return failed.get(i) ?? this.#steps.run(step, batch.limits);
    });
    this.#running = -1;
    this.#steps.flush();
    this.#db.exec("COMMIT");
    this.#steps.committed();
    return results;
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
    this.#steps.rolledBack();
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
