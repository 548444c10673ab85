/**
 * Mail for this device, in order and once: opens, attributes, notices what is missing, and acknowledges what was shown.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import { Acknowledger } from "./acknowledger.ts";
import { type Clock, CLOCK_TOLERANCE_MS } from "./clock.ts";
import type { DeliveryEvent } from "./delivery_events.ts";
import type { KeyDirectory } from "./directory.ts";
import { lookForGaps, nextLookMs } from "./gap_watch.ts";
import { type InboxEvent, type InboxMessage, messageName } from "./inbox_events.ts";
import { Opener } from "./opener.ts";
import { Pump } from "./pump.ts";
import type { RelaySource } from "./reconnect.ts";
import type { RelayClient } from "./relay_client.ts";
import { type Page, Sorter } from "./sorter.ts";
import type { ClientStore } from "./storage/store.ts";

export type { InboxEvent, InboxMessage };

/** How to read. */
export interface ReadOptions {
  /** Go on as messages arrive, and come back after a lost session, until the signal aborts. */
  follow?: boolean;
  /** Wait so long for the first message, milliseconds (not with `follow`). */
  waitMs?: number;
  /** Leave everything as it is: no lease, no marks, no acknowledgement. */
  peek?: boolean;
  /** End after so many messages. */
  max?: number;
  /** Messages that this refuses stay in the mailbox untouched. */
  only?: (message: InboxMessage) => boolean;
  signal?: AbortSignal;
}

/** Settings of an Inbox. */
export interface InboxOptions {
  source: RelaySource;
  store: ClientStore;
  directory: KeyDirectory;
  /** Own device key, 32 bytes. */
  device: Uint8Array;
  clock: Clock;
}

/** What could not be opened is kept for 7 days. */
const UNREADABLE_KEEP_MS = 7 * 24 * 3600_000;

const READ_AHEAD = 256;

type Arrival = DeliveryEvent | { readonly type: "look_for_gaps" };

/**
 * Reads one mailbox. For each message the caller says `printing` before it shows the message and `shown` after; what
 * was shown is acknowledged, in batches. One `read` at a time.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #sorter: Sorter;
  readonly #acks = new Acknowledger();
  /** In the caller's hands and not shown yet, by `messageName`. */
  readonly #held = new Set<string>();
  /** Accounts of sender devices that wrote in this run. */
  readonly #accounts = new Map<string, Uint8Array>();
  /** The relay's longest life of a message; none is known before the first session. */
  #maxTtlMs = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
    const { device, store, directory, clock } = options;
    this.#sorter = new Sorter(store, new Opener(device, store, directory, clock), clock);
  }

  /** Events one by one; see `pages`. */
  async *read(options: ReadOptions = {}): AsyncGenerator<InboxEvent, void, undefined> {
    for await (const page of this.pages(options)) yield* page;
  }

  /**
   * Events as they come, in pages of what has arrived. Ends when the mailbox is drained (`caught_up` is the last event),
   * or at `max`; with `follow` only when the signal aborts. `lease_lost` (75) when another reader took over.
   */
  async *pages(options: ReadOptions = {}): AsyncGenerator<InboxEvent[], void, undefined> {
    await this.#purge();
    let left = options.max ?? Infinity;
    for (;;) {
      const relay = await this.#options.source.client(options.signal);
      try {
        for await (const page of this.#session(relay, options, () => left)) {
          left -= messagesIn(page);
          yield page;
          if (left <= 0) break;
        }
        if (!options.peek) await this.#acks.flush();
        return;
      } catch (thrown) {
        if (options.signal?.aborted) return await this.#acks.flush();
        // A call that is not answered in time is how a killed relay shows itself first: QUIC says nothing for seconds.
        if (options.follow && isUnanswered(thrown)) {
          relay.close();
          await relay.closed;
        } else if (!isLost(thrown) || await this.#options.source.client(options.signal) === relay) throw thrown;
        // What was shown and not acknowledged comes again, is skipped by its mark, and acknowledged then.
      }
    }
  }

  /** Call before messages are shown: a crash from here on brings them again with `redelivered`. */
  async printing(...messages: InboxMessage[]): Promise<void> {
    await this.#mark(messages, "printing");
  }

  /** Call when messages are shown for good; they are acknowledged soon after. */
  async shown(...messages: InboxMessage[]): Promise<void> {
    await this.#mark(messages, "shown");
    for (const message of messages) {
      this.#held.delete(messageName(message));
      this.#acks.add(message.seq);
    }
    this.#acks.start();
  }

  /** Acknowledges all that was shown; for a caller that left `read` early. */
  async flush(): Promise<void> {
    await this.#acks.flush();
  }

  async #mark(messages: readonly InboxMessage[], state: "printing" | "shown"): Promise<void> {
    const keepMs = 2 * this.#maxTtlMs + CLOCK_TOLERANCE_MS;
    await this.#options.store.write(({ seen }) => {
      for (const { fromDevice, id, bodyHash, sentAtMs } of messages) {
        seen.put(fromDevice, id, { state, bodyHash }, sentAtMs + keepMs);
      }
    });
  }

  /** One fetch or watch call, from its lease to its end. */
  async *#session(
    relay: RelayClient,
    options: ReadOptions,
    left: () => number,
  ): AsyncGenerator<InboxEvent[], void, undefined> {
    const { follow, peek = false, waitMs = 0 } = options;
    this.#maxTtlMs = relay.session.maxTtlS * 1000;
    const stop = new AbortController();
    const asked = { peek, signal: options.signal ? AbortSignal.any([stop.signal, options.signal]) : stop.signal };
    const pump = new Pump<Arrival>(follow ? relay.watch(asked) : relay.fetch({ ...asked, waitMs }), READ_AHEAD);
    let cancelReminder: () => void = () => {};
    let caughtUp = false;
    let lastSeq = 0;
    try {
      for (let arrivals; (arrivals = await pump.take());) {
        const lease = arrivals.findLast((arrival) => arrival.type === "lease");
        if (lease) this.#acks.useLease(relay, lease.lease);
        lastSeq = arrivals.findLast((arrival) => arrival.type === "delivered")?.seq ?? lastSeq;
        caughtUp ||= arrivals.some(({ type }) => type === "caught_up");
        const deliveries = arrivals.filter((arrival) => arrival.type !== "look_for_gaps");
        const page = await this.#sorter.sort(deliveries, { relay, only: options.only, max: left(), held: this.#held });
        for (const event of page.events) {
          if (event.type === "message") this.#accounts.set(event.fromDevice.toHex(), event.from);
        }
        if (!peek) await this.#keep(page);
        if (page.events.length > 0) yield page.events;
        if (caughtUp && !peek) {
          const gaps = await this.#lookForGaps(relay);
          if (gaps.length > 0) yield gaps;
          cancelReminder();
          cancelReminder = await this.#remind(relay, pump);
        }
        this.#acks.throwIfLost();
      }
    } finally {
      cancelReminder();
      stop.abort(new QightError("interrupted", "The reader left"));
      await pump.stop();
    }
    const gaps = peek ? [] : await this.#lookForGaps(relay);
    yield [...gaps, { type: "caught_up", lastSeq }];
  }

  /** From here on the page counts: numbers are noted, and its messages are in the caller's hands. */
  async #keep({ changes, settled, events }: Page): Promise<void> {
    if (changes.length > 0) {
      await this.#options.store.write((tables) => {
        for (const change of changes) change(tables);
      });
    }
    for (const { first, last } of settled) this.#acks.add(first, last);
    this.#acks.start();
    for (const event of events) if (event.type === "message") this.#held.add(messageName(event));
  }

  #lookForGaps(relay: RelayClient): Promise<InboxEvent[]> {
    return lookForGaps(this.#options.store, relay.relayNowMs(), this.#accounts);
  }

  /** While following, holes are looked at again when they are old enough. */
  async #remind(relay: RelayClient, pump: Pump<Arrival>): Promise<() => void> {
    const soonestMs = await nextLookMs(this.#options.store);
    if (soonestMs === null) return () => {};
    const waitMs = Math.max(0, soonestMs - relay.relayNowMs());
    return this.#options.clock.after(waitMs, () => pump.inject({ type: "look_for_gaps" }));
  }

  async #purge(): Promise<void> {
    const nowMs = this.#options.clock.now();
    await this.#options.store.write(({ seen, unreadable }) => {
      seen.purge(nowMs);
      unreadable.purge(nowMs - UNREADABLE_KEEP_MS);
    });
  }
}

function messagesIn(page: readonly InboxEvent[]): number {
  return page.filter(({ type }) => type === "message").length;
}

function isUnanswered(thrown: unknown): boolean {
  return thrown instanceof QightError && thrown.code === "timeout";
}

function isLost(thrown: unknown): boolean {
  return thrown instanceof QightError && (thrown.code === "unreachable" || thrown.code === "draining");
}
