/**
 * Mail for this device, in order and once: opens, attributes, notices what is missing, and acknowledges what was shown.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import { Acknowledger } from "./acknowledger.ts";
import type { DeliveryEvent } from "./delivery_events.ts";
import { tellDeviceNews } from "./device_news.ts";
import { lookForGaps, nextLookMs } from "./gap_watch.ts";
import { GroupOpener } from "./group_opener.ts";
import { inTurn } from "./group_turns.ts";
import { isToTend } from "./groups/events.ts";
import { type ActionEvent, type InboxEvent, type InboxMessage, messageName } from "./inbox_events.ts";
import type { InboxOptions, ReadOptions } from "./inbox_options.ts";
import type { Page } from "./mailbox_page.ts";
import { Opener } from "./opener.ts";
import { Pump } from "./pump.ts";
import type { RelayClient } from "./relay_client.ts";
import { Showing } from "./showing.ts";
import { Sorter } from "./sorter.ts";
import type { Tables } from "./storage/store.ts";

export type { ActionEvent, InboxEvent, InboxMessage, InboxOptions, ReadOptions };

/** What could not be opened is kept for 7 days. */
const UNREADABLE_KEEP_MS = 7 * 24 * 3600_000;

/** No relay keeps a message longer than 90 days (client/session.ts), and its clock may be a little off. */
const OPENED_KEEP_MS = 91 * 24 * 3600_000;

const READ_AHEAD = 256;

type Arrival = DeliveryEvent | { readonly type: "look_for_gaps" };

/** How far a reading got, over all its sessions. */
interface Reading {
  /** Until then the first message is waited for, monotonic milliseconds. */
  readonly untilMs: number;
  /** Messages that are still wanted. */
  left: number;
  /** The next call asks for what is behind this number, and the last number that came. */
  afterSeq: number;
  lastSeq: number;
  /** Something to show was there. */
  came: boolean;
}

/**
 * Reads one mailbox. For each message the caller says `printing` before it shows the message and `shown` after; what
 * was shown is acknowledged, in batches. One `read` at a time.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #sorter: Sorter;
  readonly #acks = new Acknowledger();
  readonly #showing: Showing;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#showing = new Showing(options, this.#acks);
    const { device, store, directory, clock, groups } = options;
    const reading = groups ? { groups, opener: new GroupOpener(store, groups, () => clock.now()) } : null;
    this.#sorter = new Sorter(store, new Opener(device, store, directory, clock), clock, reading);
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
    const untilMs = this.#options.clock.monotonic() + (options.waitMs ?? 0);
    const reading: Reading = { untilMs, left: options.max ?? Infinity, afterSeq: 0, lastSeq: 0, came: false };
    for (;;) {
      const relay = await this.#options.source.client(options.signal);
      try {
        for await (const page of this.#session(relay, options, reading)) {
          const isEnd = page.at(-1)?.type === "caught_up";
          if (isEnd && this.#waits(options, reading)) continue;
          reading.left -= messagesIn(page);
          reading.came ||= page.some(({ type }) => !BESIDE_MESSAGES.has(type));
          yield page;
          if (reading.left <= 0) break;
        }
        if (this.#waits(options, reading)) {
          reading.afterSeq = reading.lastSeq;
          continue;
        }
        if (options.peek) return;
        await this.#acks.flush();
        await this.#options.arrivals?.tell(relay);
        return;
      } catch (thrown) {
        if (options.signal?.aborted) return await this.#acks.flush();
        reading.afterSeq = 0;
        // A call that is not answered in time is how a killed relay shows itself first: QUIC says nothing for seconds. One
        // that broke may be known before its connection is.
        if (options.follow && (isUnanswered(thrown) || isLost(thrown))) {
          relay.close();
          await relay.closed;
        } else if (!isLost(thrown) || await this.#options.source.client(options.signal) === relay) throw thrown;
        // What was shown and not acknowledged comes again, is skipped by its mark, and acknowledged then.
      }
    }
  }

  /**
   * Call before messages are shown, and show what it answers: a crash from here on brings them again with `redelivered`.
   * Another process of this device may read the same mailbox (a newer one takes the lease while the older still has a
   * page in its hands): what that one has shown is left out, what it is showing now comes back as `redelivered`.
   */
  printing(...messages: InboxMessage[]): Promise<InboxMessage[]> {
    return this.#showing.printing(messages);
  }

  /** Call when messages are shown for good; they are acknowledged soon after. */
  shown(...messages: InboxMessage[]): Promise<void> {
    return this.#showing.shown(messages);
  }

  /**
   * For a caller that keeps messages instead of printing them: marks them as shown and runs `work`, which keeps them, in
   * one transaction, so that none is lost or kept twice whatever crashes. Answers what is ours: another process of this
   * device may have shown some of them already.
   */
  keep(
    messages: readonly InboxMessage[],
    work: (tables: Tables, mine: readonly InboxMessage[]) => void,
  ): Promise<readonly InboxMessage[]> {
    return this.#showing.keep(messages, work);
  }

  /** Acknowledges all that was shown; for a caller that left `read` early. */
  async flush(): Promise<void> {
    await this.#acks.flush();
  }

  /** Who waits for a message is not served by a notice or a receipt: it goes on until the time is over. */
  #waits({ follow, signal }: ReadOptions, { untilMs, came }: Reading): boolean {
    return !follow && !came && !signal?.aborted && this.#options.clock.monotonic() < untilMs;
  }

  /** One fetch or watch call, from its lease to its end. */
  async *#session(
    relay: RelayClient,
    options: ReadOptions,
    reading: Reading,
  ): AsyncGenerator<InboxEvent[], void, undefined> {
    const { follow, peek = false } = options;
    const { afterSeq, untilMs } = reading;
    const waitMs = Math.max(0, untilMs - this.#options.clock.monotonic());
    this.#showing.maxTtlMs = relay.session.maxTtlS * 1000;
    const stop = new AbortController();
    const asked = { peek, signal: options.signal ? AbortSignal.any([stop.signal, options.signal]) : stop.signal };
    // A look that leaves no marks shows each message once all the same.
    const held = peek ? new Set<string>() : this.#showing.held;
    const replies = follow ? relay.watch(asked) : relay.fetch({ ...asked, waitMs, afterSeq });
    const pump = new Pump<Arrival>(replies, READ_AHEAD);
    let cancelReminder: () => void = () => {};
    let caughtUp = false;
    try {
      for (let arrivals; (arrivals = await pump.take());) {
        const lease = arrivals.findLast((arrival) => arrival.type === "lease");
        if (lease) this.#acks.useLease(relay, lease.lease);
        reading.lastSeq = arrivals.findLast(hasSeq)?.seq ?? reading.lastSeq;
        caughtUp ||= arrivals.some(({ type }) => type === "caught_up");
        const deliveries = arrivals.filter((arrival) => arrival.type !== "look_for_gaps");
        const page = await this.#sorter.sort(deliveries, {
          relay,
          only: options.only,
          max: reading.left,
          held,
          onAction: (tables, action) => {
            if (action.content.action.case === "edit") this.#showing.keepProof(tables, action);
            this.#options.onAction?.(tables, action);
          },
          onSync: this.#options.onSync,
        });
        if (!peek) await this.#keep(page);
        for (const event of page.events) if (event.type === "message") held.add(messageName(event));
        yield* tellDeviceNews(this.#options.store, peek);
        const happened = yield* inTurn(this.#options, page.events, peek);
        // While there is more to come it gathers; without `follow` it is told at the end.
        if (follow && caughtUp && !peek) await this.#options.arrivals?.tell(relay);
        // The relay says once that all is read; who stays and hears of something to do later does it then.
        const due = arrivals.some(({ type }) => type === "caught_up") ||
          (caughtUp && (happened.some(isToTend) || arrivals.some(isOfDevices)));
        if (due) {
          yield* this.#tend(peek, follow);
          yield* tellDeviceNews(this.#options.store, peek);
        }
        if (caughtUp && !peek) {
          yield* this.#tellGaps(options.signal);
          cancelReminder();
          cancelReminder = await this.#remind(pump);
        }
        this.#acks.throwIfLost();
      }
    } finally {
      cancelReminder();
      stop.abort(new QightError("interrupted", "The reader left"));
      await pump.stop();
    }
    if (!caughtUp) {
      yield* this.#tend(peek);
      yield* tellDeviceNews(this.#options.store, peek);
    }
    if (!peek) yield* this.#tellGaps(options.signal);
    yield [{ type: "caught_up", lastSeq: reading.lastSeq }];
  }

  /** From here on the page counts: numbers are noted, and its messages are in the caller's hands. */
  async #keep({ changes, settled }: Page): Promise<void> {
    if (changes.length > 0) {
      await this.#options.store.write((tables) => {
        for (const change of changes) change(tables);
      });
    }
    for (const { first, last } of settled) this.#acks.add(first, last);
    this.#acks.start();
  }

  /** A gap counts as told when the caller asks for more; a caller that is ending may not have told it. */
  async *#tellGaps(signal: AbortSignal | undefined): AsyncGenerator<InboxEvent[], void, undefined> {
    const due = await lookForGaps(this.#options.store, this.#options.clock.now());
    if (due.events.length === 0) return;
    yield [...due.events];
    if (!signal?.aborted) await due.told();
  }

  /** Everything is read: what no notice said of groups is asked for, and leavers are removed where that may be done. */
  async *#tend(peek: boolean, stays = false): AsyncGenerator<InboxEvent[], void, undefined> {
    if (peek) return;
    try {
      await this.#options.groups?.tend({ stays });
    } catch (thrown) {
      // What the relay refuses there is tried again the next time; no message depends on it.
      if (!(thrown instanceof QightError) || thrown.requestId === undefined || isLost(thrown)) throw thrown;
    }
    yield* inTurn(this.#options, [], peek);
  }

  /** While following, holes are looked at again when they are old enough. */
  async #remind(pump: Pump<Arrival>): Promise<() => void> {
    const soonestMs = await nextLookMs(this.#options.store);
    if (soonestMs === null) return () => {};
    const { clock } = this.#options;
    const waitMs = Math.max(0, soonestMs - clock.now());
    return clock.after(waitMs, () => pump.inject({ type: "look_for_gaps" }));
  }

  async #purge(): Promise<void> {
    const nowMs = this.#options.clock.now();
    await this.#options.store.write(({ seen, unreadable, opened, reportable }) => {
      seen.purge(nowMs);
      opened.purge(nowMs - OPENED_KEEP_MS);
      unreadable.purge(nowMs - UNREADABLE_KEEP_MS);
      reportable.purge(nowMs);
    });
  }
}

/** What may come while somebody waits for a message, and is none. */
const BESIDE_MESSAGES: ReadonlySet<InboxEvent["type"]> = new Set([
  "group",
  "action",
  "contact_offered",
  "history_part",
  "read_elsewhere",
  "new_device",
  "device_gone",
  "caught_up",
]);

function hasSeq(arrival: Arrival): arrival is Extract<DeliveryEvent, { seq: number }> {
  return arrival.type === "delivered" || arrival.type === "notice";
}

/** A notice that the devices of a member's account are others now. */
function isOfDevices(arrival: Arrival): boolean {
  return arrival.type === "notice" && arrival.notice?.kind === "members";
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
