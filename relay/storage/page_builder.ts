/**
 * Cuts a page out of a mailbox: live messages up to two limits, and the ranges that expired unread.
 * @module
 */
import type { Page, Range, StoredMessage } from "./store.ts";

/** Collects a page from messages in order of sequence. */
export class PageBuilder {
  readonly #after: number;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #nowMs: number;
  readonly #messages: StoredMessage[] = [];
  readonly #expired: Range[] = [];
  #bytes = 0;
  #cut = false;

  /** At least one message fits, whatever the limits. */
  constructor(after: number, maxMessages: number, maxBytes: number, nowMs: number) {
    this.#after = after;
    this.#maxMessages = Math.max(1, maxMessages);
    this.#maxBytes = maxBytes;
    this.#nowMs = nowMs;
  }

  /** Takes the next message; false when the page is full without it. */
  add(message: StoredMessage): boolean {
    if (message.expiresAtMs <= this.#nowMs) {
      this.#expired.push({ first: message.seq, last: message.seq });
      return true;
    }
    const { length } = message.envelope;
    const full = this.#messages.length >= this.#maxMessages || this.#bytes + length > this.#maxBytes;
    if (full && this.#messages.length > 0) {
      this.#cut = true;
      return false;
    }
    this.#messages.push(message);
    this.#bytes += length;
    return true;
  }

  /** The page, with ranges remembered from earlier collections. */
  finish(remembered: readonly Range[], lastSeq: number): Page {
    const end = this.#cut ? this.#messages[this.#messages.length - 1].seq : lastSeq;
    const all = [...remembered, ...this.#expired]
      .map(({ first, last }) => ({ first: Math.max(first, this.#after + 1), last: Math.min(last, end) }))
      .filter(({ first, last }) => first <= last);
    return { messages: this.#messages, expired: mergeRanges(all), lastSeq };
  }
}

/** Sorted ranges without overlap; neighbours become one. */
export function mergeRanges(ranges: readonly Range[]): Range[] {
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const previous = merged[merged.length - 1];
    if (previous !== undefined && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else merged.push({ first, last });
  }
  return merged;
}
