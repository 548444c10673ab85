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
import { countInGroup, GroupPage, type GroupReading, placeOf } from "./group_sorter.ts";
import type { GroupOpened } from "./group_opener.ts";
import {
  type ActionEvent,
  type InboxEvent,
  type InboxMessage,
  messageName,
  type Said,
  type UnreadableReason,
} from "./inbox_events.ts";
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
  /** Keeps an action, in the transaction that lets it go. */
  readonly onAction?: ((tables: Tables, action: ActionEvent) => void) | undefined;
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

/** What the page has so far, and what it is sorted for. */
interface Taking {
  readonly taken: ReadonlySet<string>;
  /** Accounts, as hex. */
  readonly blocked: ReadonlySet<string>;
  readonly options: SortOptions;
}

/** Sorts for one device. */
export class Sorter {
  readonly #store: ClientStore;
  readonly #opener: Opener;
  readonly #clock: Clock;
  readonly #groups: GroupReading | null;

  constructor(store: ClientStore, opener: Opener, clock: Clock, groups: GroupReading | null = null) {
    this.#store = store;
    this.#opener = opener;
    this.#clock = clock;
    this.#groups = groups;
  }

  /** Sorts arrivals in their order. Throws what the relay or the store threw; the page is then as if never begun. */
  async sort(arrivals: readonly DeliveryEvent[], options: SortOptions): Promise<Page> {
    const page: Page = { events: [], changes: [], settled: [] };
    const deliveries = arrivals.filter((arrival) => arrival.type === "delivered");
    const unsealed = await Promise.all(deliveries.map((delivery) => this.#opener.unseal(delivery)));
    const { known, blocked } = await this.#known(unsealed);
    const groups = new GroupPage(this.#groups, arrivals, new Map(deliveries.map((one, at) => [one, unsealed[at]])));
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
      if (arrival.type === "notice") {
        await groups.notice(arrival.notice);
        page.settled.push({ first: arrival.seq, last: arrival.seq });
      }
      if (arrival.type !== "delivered") continue;
      const opened = unsealed[at], facts = known[at++];
      if (opened.kind === "group") {
        const inGroup = await groups.open(arrival, options.max - messages);
        const said = this.#takeFromGroup(page, arrival, opened, inGroup, facts, { taken, blocked, options });
        if (said?.type !== "message") continue;
        taken.add(messageName(said));
        page.events.push(said);
        if (++messages >= options.max) break;
        continue;
      }
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
    await groups.finish();
    return page;
  }

  /** Everything that the store knows, in one look. */
  #known(unsealed: readonly Unsealed[]): Promise<{ known: Known[]; blocked: ReadonlySet<string> }> {
    return this.#store.read(({ seen, streams, contacts }) => {
      const forgottenUntilMs = seen.forgottenUntil();
      const known = unsealed.map((opened) => {
        if (opened.kind === "unreadable") return { mark: null, forgottenUntilMs, lineage: false, otherLineage: false };
        const { envelope: { sender, id } } = opened;
        const sealed = opened.kind === "unsealed" ? opened.sealed : null;
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
    if (this.#isTooOld(envelope.createdAtMs, mark, forgottenUntilMs, relay)) return refuse("too_old");
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
      in: { kind: "direct", peer: whose.account },
      via: sealed ? "sealed" : "plain",
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

  /** What was said in a group: a message to show, an action (already on the page), or null when there is neither. */
  #takeFromGroup(
    page: Page,
    delivery: DeliveredEvent,
    unsealed: Extract<Unsealed, { kind: "group" }>,
    opened: GroupOpened,
    { mark, forgottenUntilMs }: Known,
    { taken, blocked, options: { relay, only, onAction } }: Taking,
  ): InboxMessage | ActionEvent | null {
    const { envelope, bodyHash } = unsealed;
    const { seq, receivedAtMs } = delivery;
    const settle = () => void page.settled.push({ first: seq, last: seq });
    if (opened.kind === "later") return null;
    if (opened.kind === "shown") settle();
    if (opened.kind === "unreadable") return this.#refuse(page, delivery, unsealed, opened.reason);
    if (opened.kind !== "opened" || taken.has(messageName({ fromDevice: envelope.sender, id: envelope.id }))) {
      return null;
    }
    refuseClockAhead(this.#clock, relay);
    if (this.#isTooOld(envelope.createdAtMs, mark, forgottenUntilMs, relay)) {
      return this.#refuse(page, delivery, unsealed, "too_old");
    }
    const { row, account: from, message: { content } } = opened;
    if (
      !content || (content.action.case === undefined && content.body.case === undefined && content.files.length === 0)
    ) {
      return this.#refuse(page, delivery, unsealed, "unknown_content");
    }
    const said: Said = {
      id: envelope.id,
      from,
      fromDevice: envelope.sender,
      seq,
      sentAtMs: envelope.createdAtMs,
      receivedAtMs,
      in: placeOf(row, from),
      via: "mls",
      content,
      bodyHash,
    };
    const redelivered = mark?.state === "printing";
    const message: InboxMessage = { ...said, type: "message", verified: true, redelivered };
    const { case: action } = content.action;
    if (action === undefined && only && !only(message)) return null;
    const { groups } = this.#groups!;
    const numbers = {
      own: groups.account,
      atMs: arrivedAtMs(this.#clock.now(), relay.relayNowMs(), receivedAtMs),
    };
    page.changes.push(({ streams }) => page.events.push(...countInGroup(streams, said, opened, numbers)));
    const silent = blocked.has(from.toHex());
    if (action === undefined && !silent) return message;
    // Nobody need be shown it: taken in and let go in one transaction.
    settle();
    const forgetAtMs = envelope.createdAtMs + 2 * relay.session.maxTtlS * 1000 + CLOCK_TOLERANCE_MS;
    const event: ActionEvent = { ...said, type: "action" };
    page.changes.push((tables) => {
      const times = { sentAtMs: envelope.createdAtMs, forgetAtMs };
      tables.seen.put(envelope.sender, envelope.id, { state: "shown", bodyHash }, times);
      tables.opened.remove(envelope.sender, envelope.id);
      if (action === "left") groups.noteLeft(tables, row.group, from);
      if (action !== undefined && !silent) onAction?.(tables, event);
    });
    if (silent) return null;
    page.events.push(event);
    return event;
  }

  /** A relay that once named a short max_ttl made us forget early; what it replays now must not be shown again. */
  #isTooOld(createdAtMs: number, mark: SeenMark | null, forgottenUntilMs: number, relay: RelayClient): boolean {
    const tooOldMs = this.#clock.now() - 2 * relay.session.maxTtlS * 1000 - CLOCK_TOLERANCE_MS;
    return createdAtMs < tooOldMs || (!mark && createdAtMs <= forgottenUntilMs);
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
