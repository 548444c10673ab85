/**
 * Sorts what arrived: what is a message, what cannot be one, and what was shown before.
 * @module
 */
import type { Clock } from "./clock.ts";
import type { DeliveryEvent } from "./delivery_events.ts";
import { noteExpired } from "./gap_watch.ts";
import { takeSaid } from "./group_said.ts";
import { GroupPage, type GroupReading } from "./group_sorter.ts";
import { messageName } from "./inbox_events.ts";
import { answerIn } from "./invite_accept.ts";
import { MailSorter } from "./mail_sorter.ts";
import { type Known, type Page, refuse, type SortOptions } from "./mailbox_page.ts";
import type { Opener, Unsealed } from "./opener.ts";
import { refuseMoved } from "./own_account.ts";
import type { ClientStore } from "./storage/store.ts";

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
    const mail = new MailSorter(page, this.#opener, this.#clock);
    const taken = new Set(options.held);
    const reading = { clock: this.#clock, groups: this.#groups?.groups ?? null };
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
        const delivery = { delivery: arrival, unsealed: opened, opened: inGroup };
        const said = takeSaid(page, delivery, facts, { taken, blocked, options }, reading);
        if (said?.type !== "message") continue;
        taken.add(messageName(said));
        page.events.push(said);
        if (++messages >= options.max) break;
        continue;
      }
      if (opened.kind === "unreadable") {
        refuse(page, arrival, opened, opened.reason, this.#clock);
        continue;
      }
      const letter = { delivery: arrival, opened, known: facts };
      const message = await mail.message(letter, taken, options);
      if (!message) continue;
      taken.add(messageName(message));
      mail.count(message, letter, options.relay.relayNowMs());
      // Taken in and never shown: left in the mailbox, a blocked sender could fill it.
      if (blocked.has(message.from.toHex())) {
        page.settled.push({ first: message.seq, last: message.seq });
        continue;
      }
      const answer = answerIn(message.content);
      if (answer) {
        mail.takeAnswer(arrival, message, answer);
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
    const own = this.#groups?.groups.account;
    return this.#store.read(({ seen, streams, contacts, meta }) => {
      // What came for the account that this device is in now opens to none that it was in.
      if (own) refuseMoved({ meta }, own);
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
}
