/**
 * Tells the relay what was shown, in batches: while one acknowledgement is under way the next ones gather.
 * @module
 */
import { asQightError, type QightError } from "../proto/errors.ts";
import type { RelayClient, SeqSpan } from "./relay_client.ts";

/** Acknowledges under the current lease. */
export class Acknowledger {
  #lease: { relay: RelayClient; id: Uint8Array } | null = null;
  #waiting: SeqSpan[] = [];
  #running: Promise<void> | null = null;
  #lost: QightError | null = null;

  /** A new lease; what was not acknowledged under the old one comes again under this one. */
  useLease(relay: RelayClient, id: Uint8Array): void {
    this.#lease = { relay, id };
    this.#waiting = [];
    this.#lost = null;
  }

  /** Notes a sequence number to acknowledge, or all up to `last`. */
  add(first: number, last = first): void {
    this.#waiting.push({ first, last });
  }

  /** Begins to acknowledge what is noted; returns at once. */
  start(): void {
    if (this.#lease && this.#waiting.length > 0) this.#running ??= this.#run().finally(() => this.#running = null);
  }

  /** Resolves when everything noted is acknowledged; throws `lease_lost` when another reader took over. */
  async flush(): Promise<void> {
    this.start();
    while (this.#running) {
      await this.#running;
      if (!this.#lost) this.start();
    }
    this.throwIfLost();
  }

  /** Throws `lease_lost` when an acknowledgement was refused under the current lease. */
  throwIfLost(): void {
    if (this.#lost) throw this.#lost;
  }

  async #run(): Promise<void> {
    await null; // lets what is noted in the same turn gather
    while (this.#waiting.length > 0 && !this.#lost) {
      const lease = this.#lease!;
      const spans = this.#waiting;
      this.#waiting = [];
      try {
        await lease.relay.ack(lease.id, merged(spans));
      } catch (thrown) {
        if (this.#lease !== lease) continue; // a newer lease is in use, under which all this comes again
        this.#lost = asQightError(thrown);
      }
    }
  }
}

/** The same numbers in as few spans as there can be, rising. */
function merged(spans: readonly SeqSpan[]): SeqSpan[] {
  const ranges: { first: number; last: number }[] = [];
  for (const { first, last } of spans.toSorted((a, b) => a.first - b.first)) {
    const range = ranges.at(-1);
    if (range && first <= range.last + 1) range.last = Math.max(range.last, last);
    else ranges.push({ first, last });
  }
  return ranges;
}
