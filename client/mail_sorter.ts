/**
 * Sorts what was sealed to this device or came plain: whose it is, whether it is new, and an answer to an invite.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { InviteAccept } from "../proto/gen/qight/v1/seal_pb.ts";
import type { Clock } from "./clock.ts";
import { refuseClockAhead } from "./clock_check.ts";
import { arrivedAtMs, noteLineage, noteNumbers } from "./gap_watch.ts";
import { type InboxMessage, messageName, type UnreadableReason } from "./inbox_events.ts";
import { answerIn, takeAnswer } from "./invite_accept.ts";
import { isTooOld, type Known, type Page, refuse, type SortOptions, UNREADABLE_MAX_BYTES } from "./mailbox_page.ts";
import type { DeliveredEvent, Opener, Unsealed } from "./opener.ts";

/** A delivery that was opened, with what the store knows of it. */
export interface Mail {
  readonly delivery: DeliveredEvent;
  readonly opened: Extract<Unsealed, { kind: "unsealed" }>;
  readonly known: Known;
}

/** Sorts the mail of one page. */
export class MailSorter {
  readonly #page: Page;
  readonly #opener: Opener;
  readonly #clock: Clock;
  /** Devices and lineages that this page met first, as hex. */
  readonly #begun = new Set<string>();

  constructor(page: Page, opener: Opener, clock: Clock) {
    this.#page = page;
    this.#opener = opener;
    this.#clock = clock;
  }

  /** The message in a delivery that was opened, or null when there is none to show. Throws what the relay threw. */
  async message(
    { delivery, opened, known }: Mail,
    taken: ReadonlySet<string>,
    { relay, only }: SortOptions,
  ): Promise<InboxMessage | null> {
    const { envelope, bodyHash, sealed, content, franked } = opened;
    const { seq, receivedAtMs } = delivery;
    const { mark } = known;
    const refused = (reason: UnreadableReason) => refuse(this.#page, delivery, opened, reason, this.#clock);
    if (mark && !equal(mark.bodyHash, bodyHash)) return refused("id_reused");
    if (mark?.state === "shown") {
      this.#page.settled.push({ first: seq, last: seq });
      return null;
    }
    if (taken.has(messageName({ fromDevice: envelope.sender, id: envelope.id }))) return null;
    refuseClockAhead(this.#clock, relay);
    if (isTooOld(envelope.createdAtMs, known, relay, this.#clock)) return refused("too_old");
    const whose = await this.#opener.attribute(opened, receivedAtMs, relay);
    if (whose.kind === "unattributed") return refused(whose.reason);
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
      franked,
    };
    if (answerIn(content)) {
      if (!sealed) return refused("unknown_content");
    } else if (only && !only(message)) return null;
    return message;
  }

  /** Notes the numbers inside the seal, by which the relay's drops show. */
  count({ from, fromDevice, receivedAtMs }: InboxMessage, { opened, known }: Mail, relayNowMs: number): void {
    const { sealed } = opened;
    if (!sealed) return;
    const { lineage, counter, voidCounters } = sealed;
    const page = this.#page, begun = this.#begun;
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

  /** Whoever took an invite becomes a contact in the same transaction that lets the answer go. */
  takeAnswer(
    { receivedAtMs, envelope: bytes }: DeliveredEvent,
    { seq, id, from, fromDevice }: InboxMessage,
    answer: InviteAccept,
  ): void {
    const page = this.#page;
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
}
