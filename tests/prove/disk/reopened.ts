/**
 * Opens a database that a power cut or a fault left behind, with the relay's own code, and says what is in it.
 * @module
 */
import { openForReading } from "../../../relay/storage/sqlite_connection.ts";
import { Reader } from "../../../relay/storage/sqlite_reader.ts";
import { checkDatabase } from "../../../relay/storage/sqlite_upkeep.ts";
import { packMessages, unpackOutcomes, unpackPage } from "../../../relay/storage/sqlite_wire.ts";
import { Writer } from "../../../relay/storage/sqlite_writer.ts";
import type { Enqueued, NewMessage, StoredMessage } from "../../../relay/storage/store.ts";
import { QightError } from "../../../proto/errors.ts";

const limits = { maxQueue: 5_000_000, maxQueueBytes: 2 ** 33, maxTotal: 2 ** 34 };

/** A database open for a look; the threads of the store are left out, its code is not. */
export class Reopened implements Disposable {
  readonly #path: string;
  readonly #nowMs: number;
  readonly #writer: Writer;

  /** Throws what the relay would end with. */
  constructor(path: string, nowMs: number) {
    this.#path = path;
    this.#nowMs = nowMs;
    this.#writer = new Writer(path, 64 * 1024, nowMs);
  }

  /** Everything that lies in a mailbox. */
  messages(mailbox: Uint8Array): StoredMessage[] {
    const db = openForReading(this.#path);
    try {
      const page = unpackPage(new Reader(db).fetch(mailbox, 0, 1_000_000, 2 ** 31, this.#nowMs));
      return page.messages.map((message) => ({ ...message, envelope: message.envelope.slice() }));
    } finally {
      db.close();
    }
  }

  /** What the whole check complains about. */
  check(): string[] {
    const db = openForReading(this.#path);
    try {
      return checkDatabase(db);
    } finally {
      db.close();
    }
  }

  /** Sends messages, as the relay would. */
  enqueue(messages: readonly NewMessage[]): Enqueued[] {
    const steps = [{ packed: packMessages(messages), count: messages.length }];
    const [result] = this.#writer.apply({ nowMs: this.#nowMs, limits, steps }).results;
    if ("outcomes" in result) return unpackOutcomes(result.outcomes);
    throw new QightError("internal", `The reopened store refused: ${JSON.stringify(result)}`);
  }

  [Symbol.dispose](): void {
    this.#writer.close();
  }
}
