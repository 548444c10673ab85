/**
 * Sorts what arrived: what is a message, what cannot be one, and what was shown before.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { InviteAccept } from "../proto/gen/qight/v1/seal_pb.ts";
import { type Clock, CLOCK_TOLERANCE_MS } from "./clock.ts";
import { refuseClockAhead } from "./clock_check.ts";
import type { DeliveryEvent } from "./delivery_events.ts";
import { arrivedAtMs, noteExpired, noteLineage, noteNumbers } from "./gap_watch.ts";
import { type InboxEvent, type InboxMessage, messageName, type UnreadableReason } from "./inbox_events.ts";
import { answerIn, takeAnswer } from "./invite_accept.ts";
import type { DeliveredEvent, Opener, Unsealed } from "./opener.ts";
import type { RelayClient, SeqSpan } from "./relay_client.ts";
import type { ClientStore, SeenMark, Tables } from "./storage/store.ts";

/** What arrivals amount to. Nothing of it counts before its changes are written: a lost session may still undo it. */
export interface Page {
  readonly events: InboxEvent[];
  /** For one transaction, before the events are told. */
  readonly changes: ((tables: Tables) => void)[];
  /** Sequence numbers that nobody need be shown; acknowledged when the changes are written. */
  readonly settled: SeqSpan[];
}

/** How to sort one page. */
export interface SortOptions {
  readonly relay: RelayClient;
  /** Messages that this refuses stay in the mailbox untouched. */
  readonly only?: ((message: InboxMessage) => boolean) | undefined;
  /** No more messages than this. */
  readonly max: number;
  /** Messages in the caller's hands, by `messageName`. */
  readonly held: ReadonlySet<string>;
}

/** Bytes kept of everything unreadable together. */
export const UNREADABLE_MAX_BYTES = 16 * 1024 * 1024;

/** What the store knows about a delivery before it is sorted. */
interface Known {
  readonly mark: SeenMark | null;
  /** Nothing sent until then can be told from what was shown and forgotten, milliseconds since 1970. */
  readonly forgottenUntilMs: number;
  /** The lineage has been met, or another one of the same device. */
  readonly lineage: boolean;
  readonly otherLineage: boolean;
}

/** Sorts for one device. */
export class Sorter {
  readonly #store: ClientStore;
  readonly #opener: Opener;
  readonly #clock: Clock;

  constructor(store: ClientStore, opener: Opener, clock: Clock) {
    this.#store = store;
    this.#opener = opener;
    this.#clock = clock;
  }

  /** Sorts arrivals in their order. Throws what the relay or the store threw; the page is then as if never begun. */
  async sort(arrivals: readonly DeliveryEvent[], options: SortOptions): Promise<Page> {
    const page: Page = { events: [], changes: [], settled: [] };
    const deliveries = arrivals.filter((arrival) => arrival.type === "delivered");
    const unsealed = await Promise.all(deliveries.map((delivery) => this.#opener.unseal(delivery)));
    const { known, blocked } = await this.#known(unsealed);
    const taken = new Set(options.held);
    const begun = new Set<string>();
    let messages = 0, at = 0;
    for (const arrival of arrivals) {
      if (arrival.type === "expired" || arrival.type === "caught_up") page.events.push(arrival);
      // The relay repeats an expired range until it is acknowledged, and what it has not collected yet number by number.
      if (arrival.type === "expired") {
        page.settled.push({ first: arrival.first, last: arrival.last });
        page.changes.push(({ meta }) => noteExpired(meta, options.relay.session.root, arrival));
      }
      if (arrival.type !== "delivered") continue;
      const opened = unsealed[at], facts = known[at++];
      const message = opened.kind === "unreadable"
        ? this.#refuse(page, arrival, opened, opened.reason)
        : await this.#message(page, arrival, opened, facts, taken, options);
      if (!message || opened.kind === "unreadable") continue;
      taken.add(messageName(message));
      this.#count(page, message, opened, facts, begun, options.relay.relayNowMs());
      // Taken in and never shown: left in the mailbox, a blocked sender could fill it.
      if (blocked.has(message.from.toHex())) {
        page.settled.push({ first: message.seq, last: message.seq });
        continue;
      }
      const answer = answerIn(message.content);
      if (answer) {
        this.#takeAnswer(page, arrival, message, answer);
        continue;
      }
      page.events.push(message);
      if (++messages >= options.max) break;
    }
    return page;
  }

  /** Everything that the store knows, in one look. */
  #known(unsealed: readonly Unsealed[]): Promise<{ known: Known[]; blocked: ReadonlySet<string> }> {
    return this.#store.read(({ seen, streams, contacts }) => {
      const forgottenUntilMs = seen.forgottenUntil();
      const known = unsealed.map((opened) => {
        if (opened.kind === "unreadable") return { mark: null, forgottenUntilMs, lineage: false, otherLineage: false };
        const { envelope: { sender, id }, sealed } = opened;
        return {
          mark: seen.get(sender, id),
          forgottenUntilMs,
          lineage: sealed !== null && streams.get(sender, sealed.lineage) !== null,
          otherLineage: streams.knows(sender),
        };
      });
      return { known, blocked: new Set(contacts.blocked().map((account) => account.toHex())) };
    });
  }

  /** The message in a delivery that was opened, or null when there is none to show. */
  async #message(
    page: Page,
    delivery: DeliveredEvent,
    opened: Extract<Unsealed, { kind: "unsealed" }>,
    { mark, forgottenUntilMs }: Known,
    taken: ReadonlySet<string>,
    { relay, only }: SortOptions,
  ): Promise<InboxMessage | null> {
    const { envelope, bodyHash, sealed, content } = opened;
    const { seq, receivedAtMs } = delivery;
    const refuse = (reason: UnreadableReason) => this.#refuse(page, delivery, opened, reason);
    if (mark && !equal(mark.bodyHash, bodyHash)) return refuse("id_reused");
    if (mark?.state === "shown") {
      page.settled.push({ first: seq, last: seq });
      return null;
    }
    if (taken.has(messageName({ fromDevice: envelope.sender, id: envelope.id }))) return null;
    refuseClockAhead(this.#clock, relay);
    const tooOldMs = this.#clock.now() - 2 * relay.session.maxTtlS * 1000 - CLOCK_TOLERANCE_MS;
    if (envelope.createdAtMs < tooOldMs) return refuse("too_old");
    // A relay that once named a short max_ttl made us forget early; what it replays now must not be shown again.
    if (!mark && envelope.createdAtMs <= forgottenUntilMs) return refuse("too_old");
    const whose = await this.#opener.attribute(opened, receivedAtMs, relay);
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
    if (answerIn(content)) {
      if (!sealed) return refuse("unknown_content");
    } else if (only && !only(message)) return null;
    page.events.push(...whose.newDevices.map((device) => ({ type: "new_device" as const, ...device })));
    return message;
  }

  /** Whoever took an invite becomes a contact in the same transaction that lets the answer go. */
  #takeAnswer(page: Page, delivery: DeliveredEvent, { seq, id, from, fromDevice }: InboxMessage, answer: InviteAccept) {
    const { receivedAtMs, envelope: bytes } = delivery;
    page.settled.push({ first: seq, last: seq });
    page.changes.push((tables) => {
      const nowMs = this.#clock.now();
      const taken = takeAnswer(tables, answer, from, nowMs);
      if (taken.kind === "contact") {
        const { name } = taken.contact;
        page.events.push({ type: "invite_accepted", invite: answer.locator, account: from, name });
      } else if (taken.kind === "fault") {
        const { reason } = taken;
        page.events.push({ type: "unreadable", id, seq, fromDevice, reason });
        tables.unreadable.add({ seq, receivedAtMs, reason, bytes }, nowMs, UNREADABLE_MAX_BYTES);
      }
    });
  }

  /** Notes the numbers inside the seal, by which the relay's drops show. */
  #count(
    page: Page,
    { from, fromDevice, receivedAtMs }: InboxMessage,
    { sealed }: Extract<Unsealed, { kind: "unsealed" }>,
    known: Known,
    begun: Set<string>,
    relayNowMs: number,
  ): void {
    if (!sealed) return;
    const { lineage, counter, voidCounters } = sealed;
    const device = fromDevice.toHex(), name = device + lineage.toHex();
    if (!known.lineage && !begun.has(name)) {
      page.changes.push(({ streams }) => noteLineage(streams, fromDevice, lineage, from));
      if (known.otherLineage || begun.has(device)) page.events.push({ type: "lineage", from, fromDevice });
      begun.add(name).add(device);
    }
    const numbers = [...voidCounters, counter];
    const atMs = arrivedAtMs(this.#clock.now(), relayNowMs, receivedAtMs);
    page.changes.push(({ streams }) => {
      const gaps = noteNumbers(streams, fromDevice, lineage, numbers, atMs);
      for (const gap of gaps) page.events.push({ type: "gap", fromDevice, from, ...gap });
    });
  }

  #refuse(
    page: Page,
    { seq, receivedAtMs, envelope: bytes }: DeliveredEvent,
    opened: Unsealed,
    reason: UnreadableReason,
  ) {
    const { envelope } = opened;
    page.events.push({
      type: "unreadable",
      id: envelope?.id ?? null,
      seq,
      fromDevice: envelope?.sender ?? null,
      reason,
    });
    page.changes.push(({ unreadable }) =>
      unreadable.add({ seq, receivedAtMs, reason, bytes }, this.#clock.now(), UNREADABLE_MAX_BYTES)
    );
    page.settled.push({ first: seq, last: seq });
    return null;
  }
}
