/**
 * The near end of a SQLite worker: calls and their answers.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { fromWire } from "./sqlite_failure.ts";
import type { Answer, Role } from "./sqlite_worker.ts";
import { sqliteWorkerPlace } from "./sqlite_worker_place.ts";

/** A worker with a database connection in it. */
export class SqliteThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  /** Resolves with what failed without a call that could be told: work behind an answer, or the thread itself. */
  readonly failed: Promise<QightError>;
  readonly #fail: (error: QightError) => void;
  #nextId = 1;
  #ended: QightError | null = null;
  /** Whether nobody is there to answer. */
  #gone = false;

  private constructor() {
    const { promise, resolve } = Promise.withResolvers<QightError>();
    this.failed = promise;
    this.#fail = (error) => {
      this.#end(error);
      resolve(error);
    };
    this.#worker = new Worker(sqliteWorkerPlace, { type: "module" });
    this.#worker.onmessage = (event) => this.#answer(event.data as Answer);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#gone = true;
      this.#fail(new QightError("store_damaged", `The database thread ended: ${event.message}`));
    };
  }

  /** Starts a thread and opens the database in it; rejects with what went wrong. */
  static async open(role: Role): Promise<SqliteThread> {
    const thread = new SqliteThread();
    try {
      await thread.call("open", [role]);
      return thread;
    } catch (thrown) {
      thread.#worker.terminate();
      throw thrown;
    }
  }

  /** Runs a method in the thread; rejects with a QightError. */
  call<T>(method: string, args: readonly unknown[], transfer: Transferable[] = []): Promise<T> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return this.#ask<T>(method, args, transfer);
  }

  #ask<T>(method: string, args: readonly unknown[], transfer: Transferable[] = []): Promise<T> {
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#worker.postMessage({ id, method, args }, transfer);
    return waiting.promise as Promise<T>;
  }

  /** Closes the connection and ends the thread. */
  async close(): Promise<void> {
    try {
      if (this.#ended === null) await this.call("close", []);
    } finally {
      this.#leave();
    }
  }

  /**
   * Ends the thread and leaves file and log as the last good commit did. A thread that is merely terminated closes its
   * connection on its way out, and SQLite moves the log into the file then (found by prove, io-fault).
   */
  async abandon(): Promise<void> {
    try {
      // Also when it failed: what it did behind an answer did, and its connection is open.
      if (!this.#gone) await this.#ask("drop", []);
    } finally {
      this.#leave();
    }
  }

  #answer(answer: Answer): void {
    if (answer.id === null) return this.#fail(fromWire(answer.error));
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(fromWire(answer.error));
    else waiting?.resolve(answer.value);
  }

  #leave(): void {
    this.#gone = true;
    this.#end(new QightError("draining", "The store is closed"));
    this.#worker.terminate();
  }

  #end(reason: QightError): void {
    this.#ended ??= reason;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}
