/**
 * What was meant, acknowledged, shown and taken: one append-only file per process, kept outside the relay.
 * @module
 */
import { QightError } from "../../proto/errors.ts";

/** Something that happened to one message. */
export interface Entry {
  /**
   * `intent` before the sender gets the message, `ack` when it says accepted, `shown` when the reader prints it, `taken`
   * when the relay has confirmed the reader's acknowledgement (known where the reader is over RelayClient).
   */
  readonly kind: "intent" | "ack" | "shown" | "taken";
  /** The text itself: unique, so it names the message before there is an id. */
  readonly text: string;
  /** Which sender's ledger, or empty when the reader cannot know. */
  readonly sender?: string;
  /** Place in the sender's order, from 0. */
  readonly n?: number;
  /** Id of the message, once known. */
  readonly id?: string;
  /** Whose mailbox: the reader's own name, on an `ack` the reader that it was sent to, where that is known. */
  readonly reader?: string;
  /** Wall clock in milliseconds with a fraction; the ledger fills it in. */
  readonly at?: number;
  /** Number in the mailbox, as the relay told it to sender (`ack`) or reader. */
  readonly seq?: number;
  /** The reader says itself that it may have printed this one before (only after it crashed). */
  readonly redelivered?: boolean;
}

/** An append-only file of entries; every entry is one `write` of one line, so a kill cannot tear it. */
export class Ledger implements Disposable {
  #file: Deno.FsFile;

  /** @param path made when absent, never truncated */
  constructor(path: string) {
    this.#file = Deno.openSync(path, { create: true, append: true });
  }

  /** Adds one entry; it is in the kernel when this returns. */
  add(entry: Entry): void {
    const at = performance.timeOrigin + performance.now();
    const line = new TextEncoder().encode(JSON.stringify({ ...entry, at }) + "\n");
    const written = this.#file.writeSync(line);
    if (written !== line.length) throw new QightError("io", `The ledger took ${written} of ${line.length} bytes`);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** All entries of a folder of ledgers, file by file in order of name. */
export function readLedgers(folder: string): Entry[] {
  const names = [...Deno.readDirSync(folder)].filter((file) => file.isFile).map((file) => file.name).sort();
  return names.flatMap((name) =>
    Deno.readTextFileSync(`${folder}/${name}`).split("\n").filter((line) => line !== "").map((line) =>
      JSON.parse(line) as Entry
    )
  );
}
