/**
 * Where two devices that share a code meet: sealed records in memory, ten minutes, each place written once. The relay
 * can neither read them nor tell who will come (docs/decisions/0008-accounts-and-devices.md, Link).
 * @module
 */
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";

/** How long two devices have. */
export const RENDEZVOUS_MS = 10 * 60_000;
/** Offer, answer, done. */
export const PLACES = 3;
/** Largest record of one place. */
export const MAX_RENDEZVOUS_BYTES = 32 * 1024;
/** Meetings that one address has begun and that are not over. */
const MAX_PER_ADDRESS = 16;
/** Bytes of all records together: about two thousand links at once. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Meetings in all, whatever they hold. */
const MAX_OPEN = 8192;
/** Who waits at one meeting: two devices, and again after a lost connection that the relay does not know of yet. */
const MAX_WAITERS = 8;

interface Meeting {
  readonly address: string;
  readonly expiresAtMs: number;
  readonly records: (Uint8Array | undefined)[];
  readonly waiters: Set<() => void>;
}

/** Open meetings, bounded in number, for each address, and in bytes. */
export class Rendezvous {
  readonly #now: () => number;
  // All live equally long, so the order of insertion is the order of expiry.
  readonly #meetings = new Map<string, Meeting>();
  readonly #perAddress = new Map<string, number>();
  #bytes = 0;

  /** `now` in milliseconds, never backwards. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Writes a place; `address` is the limit key of who asks. Answers the milliseconds that are left. Throws
   * `code_unknown` for a meeting that is not there, and for a place that holds something else; `busy` when there are
   * too many.
   */
  put(locator: Uint8Array, place: number, record: Uint8Array, address: string): number {
    this.#forgetExpired();
    const meeting = this.#meetings.get(locator.toHex()) ?? (place === 0 ? null : unknown());
    const there = meeting?.records[place];
    if (there && !equal(there, record)) unknown();
    if (meeting && there) return meeting.expiresAtMs - this.#now();
    if (this.#bytes + record.length > MAX_BYTES) throw tooMany("The relay holds too many records of links", 60_000);
    const open = meeting ?? this.#begin(locator, address);
    open.records[place] = record.slice();
    this.#bytes += record.length;
    for (const wake of open.waiters) wake();
    return open.expiresAtMs - this.#now();
  }

  /**
   * What is at a place, or null when the time ran out first. Throws `code_unknown` when there is no such meeting, it
   * ended meanwhile, or (for an offer) somebody has answered already; `busy` when too many wait here.
   */
  async take(locator: Uint8Array, place: number, waitMs: number, signal: AbortSignal): Promise<Uint8Array | null> {
    this.#forgetExpired();
    const meeting = this.#meetings.get(locator.toHex()) ?? unknown();
    // A code works once: whoever comes after the answer hears so before they decide about anything.
    if (place === 0 && meeting.records[1]) unknown();
    if (meeting.records[place] || waitMs === 0) return meeting.records[place] ?? null;
    if (meeting.waiters.size >= MAX_WAITERS) throw tooMany("Too many wait for the other side of this code", 1000);
    const deadline = this.#now() + waitMs;
    while (!meeting.records[place]) {
      const leftMs = Math.min(deadline, meeting.expiresAtMs) - this.#now();
      if (leftMs <= 0) return meeting.expiresAtMs <= this.#now() ? unknown() : null;
      await woken(meeting.waiters, leftMs, signal);
    }
    return meeting.records[place];
  }

  /** Meetings and bytes right now. */
  get held(): { readonly meetings: number; readonly bytes: number } {
    return { meetings: this.#meetings.size, bytes: this.#bytes };
  }

  #begin(locator: Uint8Array, address: string): Meeting {
    const begun = this.#perAddress.get(address) ?? 0;
    if (begun >= MAX_PER_ADDRESS) {
      throw tooMany(`This address has ${begun} link codes open, none more until one is over`, this.#oldestMs(address));
    }
    if (this.#meetings.size >= MAX_OPEN) throw tooMany("The relay has too many link codes open", this.#oldestMs());
    const meeting = { address, expiresAtMs: this.#now() + RENDEZVOUS_MS, records: [], waiters: new Set<() => void>() };
    this.#meetings.set(locator.toHex(), meeting);
    this.#perAddress.set(address, begun + 1);
    return meeting;
  }

  #oldestMs(address?: string): number {
    for (const meeting of this.#meetings.values()) {
      if (address === undefined || meeting.address === address) return meeting.expiresAtMs - this.#now();
    }
    return 0;
  }

  #forgetExpired(): void {
    for (const [locator, { address, expiresAtMs, records }] of this.#meetings) {
      if (expiresAtMs > this.#now()) return;
      this.#meetings.delete(locator);
      for (const record of records) this.#bytes -= record?.length ?? 0;
      const left = this.#perAddress.get(address)! - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    }
  }
}

/** Resolves when something was written, the time is over, or (rejecting) the caller is gone. */
function woken(waiters: Set<() => void>, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(resolve), ms);
    const wake = () => settle(resolve);
    const abort = () => settle(() => reject(signal.reason));
    const settle = (end: () => void) => {
      clearTimeout(timer);
      waiters.delete(wake);
      signal.removeEventListener("abort", abort);
      end();
    };
    waiters.add(wake);
    signal.addEventListener("abort", abort, { once: true });
  });
}

function unknown(): never {
  throw new QightError("code_unknown");
}

function tooMany(message: string, retryAfterMs: number): QightError {
  return new QightError("busy", message, { retryAfterMs });
}
