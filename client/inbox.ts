/**
 * Mail for this device, in order and once: opens, attributes, notices what is missing, and acknowledges what was shown.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import { Acknowledger } from "./acknowledger.ts";
import type { Clock } from "./clock.ts";
import type { DeliveryEvent } from "./delivery_events.ts";
import type { KeyDirectory } from "./directory.ts";
import { lookForGaps, nextLookMs, noteLineage, noteNumbers } from "./gap_watch.ts";
import type { InboxEvent, InboxMessage, UnreadableEvent } from "./inbox_events.ts";
import { type DeliveredEvent, Opener, type Unsealed } from "./opener.ts";
import { Pump } from "./pump.ts";
import type { RelaySource } from "./reconnect.ts";
import type { RelayClient } from "./relay_client.ts";
import type { ClientStore, Tables } from "./storage/store.ts";

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

/** What could not be opened is kept for 7 days, at most 16 MiB. */
export const UNREADABLE_KEEP_MS = 7 * 24 * 3600_000;
/** Largest size of everything kept unreadable, bytes. */
export const UNREADABLE_MAX_BYTES = 16 * 1024 * 1024;

const READ_AHEAD = 256;
const CLOCK_TOLERANCE_MS = 10 * 60_000;

type Arrival = DeliveryEvent | { readonly type: "look_for_gaps" };

/**
 * Reads one mailbox. For each message the caller says `printing` before it shows the message and `shown` after; what
 * was shown is acknowledged, in batches. One `read` at a time.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #opener: Opener;
  readonly #acks = new Acknowledger();
  /** Given to the caller and not shown yet, by sender and id. */
  readonly #outstanding = new Set<string>();
  /** Accounts of sender devices that wrote in this run. */
  readonly #accounts = new Map<string, Uint8Array>();

  /** Lineages met in this run, by sender device. */
  readonly #lineages = new Set<string>();
  /** The relay's longest life of a message; none is known before the first session. */
  #maxTtlMs = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#opener = new Opener(options.device, options.store, options.directory, options.clock);
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
      this.#outstanding.delete(nameOf(message.fromDevice, message.id));
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
        for (const { type, ...rest } of arrivals) if (type === "delivered") lastSeq = (rest as DeliveredEvent).seq;
        caughtUp ||= arrivals.some(({ type }) => type === "caught_up");
        const page = await this.#handle(relay, arrivals, options, left());
        if (caughtUp && !peek) {
          page.push(...await this.#lookForGaps(relay));
          cancelReminder();
          cancelReminder = await this.#remind(relay, pump);
        }
        if (page.length > 0) yield page;
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

  async #handle(
    relay: RelayClient,
    arrivals: readonly Arrival[],
    options: ReadOptions,
    max: number,
  ): Promise<InboxEvent[]> {
    const unsealed = await Promise.all(
      arrivals.map((arrival) => arrival.type === "delivered" ? this.#opener.unseal(arrival) : null),
    );
    const page: InboxEvent[] = [];
    const changes: ((tables: Tables) => void)[] = [];
    let messages = 0;
    for (const [at, arrival] of arrivals.entries()) {
      if (arrival.type === "expired" || arrival.type === "caught_up") page.push(arrival);
      // The relay repeats an expired range until something at or past it is acknowledged.
      if (arrival.type === "expired") changes.push(() => this.#acks.add(arrival.last));
      if (arrival.type !== "delivered") continue;
      const before = page.length;
      await this.#take(relay, arrival, unsealed[at]!, options, page, changes);
      if (page.slice(before).some(({ type }) => type === "message") && ++messages >= max) break;
    }
    if (!options.peek && changes.length > 0) {
      await this.#options.store.write((tables) => {
        for (const change of changes) change(tables);
      });
      this.#acks.start();
    }
    return page;
  }

  async #take(
    relay: RelayClient,
    arrival: DeliveredEvent,
    unsealed: Unsealed,
    options: ReadOptions,
    page: InboxEvent[],
    changes: ((tables: Tables) => void)[],
  ): Promise<void> {
    const { seq, receivedAtMs } = arrival;
    const refuse = (reason: UnreadableEvent["reason"]) => {
      const { envelope } = unsealed;
      page.push({ type: "unreadable", id: envelope?.id ?? null, seq, fromDevice: envelope?.sender ?? null, reason });
      changes.push(({ unreadable }) => {
        const row = { seq, receivedAtMs, reason, bytes: arrival.envelope };
        unreadable.add(row, this.#options.clock.now(), UNREADABLE_MAX_BYTES);
        this.#acks.add(seq);
      });
    };
    if (unsealed.kind === "unreadable") return refuse(unsealed.reason);
    const { envelope, bodyHash, sealed, content } = unsealed;
    const name = nameOf(envelope.sender, envelope.id);
    const mark = await this.#options.store.read(({ seen }) => seen.get(envelope.sender, envelope.id));
    if (mark && !equal(mark.bodyHash, bodyHash)) return refuse("id_reused");
    if (mark?.state === "shown") {
      changes.push(() => this.#acks.add(seq));
      return;
    }
    if (this.#outstanding.has(name)) return;
    const tooOldMs = this.#options.clock.now() - 2 * this.#maxTtlMs - CLOCK_TOLERANCE_MS;
    if (envelope.createdAtMs < tooOldMs) return refuse("too_old");
    const whose = await this.#opener.attribute(unsealed, receivedAtMs, relay);
    if (whose.kind === "unattributed") return refuse(whose.reason);
    const message: InboxMessage = {
      type: "message",
      id: envelope.id,
      from: whose.account,
      fromDevice: envelope.sender,
      seq,
      sentAtMs: envelope.createdAtMs,
      receivedAtMs,
      verified: sealed !== null,
      redelivered: mark?.state === "printing",
      content,
      bodyHash,
    };
    if (options.only && !options.only(message)) return;
    page.push(...whose.newDevices.map((device) => ({ type: "new_device" as const, ...device })));
    this.#accounts.set(envelope.sender.toHex(), whose.account);
    if (sealed && !options.peek) {
      const { lineage, counter, voidCounters } = sealed;
      if (await this.#startsLineage(envelope.sender, lineage, changes)) {
        page.push({ type: "lineage", from: whose.account, fromDevice: envelope.sender });
      }
      const numbers = [...voidCounters, counter];
      changes.push(({ streams }) => noteNumbers(streams, envelope.sender, lineage, numbers, receivedAtMs));
    }
    if (!options.peek) this.#outstanding.add(name);
    page.push(message);
  }

  /** True once for each lineage of a sender device that had another one before. */
  async #startsLineage(
    sender: Uint8Array,
    lineage: Uint8Array,
    changes: ((tables: Tables) => void)[],
  ): Promise<boolean> {
    const name = nameOf(sender, lineage);
    if (this.#lineages.has(name)) return false;
    this.#lineages.add(name);
    const { known, others } = await this.#options.store.read(({ streams }) => ({
      known: streams.get(sender, lineage) !== null,
      others: streams.knows(sender),
    }));
    if (!known) changes.push(({ streams }) => noteLineage(streams, sender, lineage));
    return !known && others;
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

function nameOf(sender: Uint8Array, id: Uint8Array): string {
  return sender.toHex() + id.toHex();
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
