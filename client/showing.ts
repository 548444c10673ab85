/**
 * Messages between the mailbox and the screen: which are in the caller's hands, which were shown, and that nobody need be
 * given those again.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { Acknowledger } from "./acknowledger.ts";
import { CLOCK_TOLERANCE_MS } from "./clock.ts";
import { keepProof } from "./franked.ts";
import { type ActionEvent, type InboxMessage, messageName } from "./inbox_events.ts";
import type { InboxOptions } from "./inbox_options.ts";
import type { Tables } from "./storage/store.ts";

/** The marks of one reader. */
export class Showing {
  readonly #options: InboxOptions;
  readonly #acks: Acknowledger;
  /** In the caller's hands and not shown yet, by `messageName`. */
  readonly held = new Set<string>();
  /** The relay's longest life of a message, milliseconds; none is known before the first session. */
  maxTtlMs = 0;

  constructor(options: InboxOptions, acks: Acknowledger) {
    this.#options = options;
    this.#acks = acks;
  }

  /** See Inbox. */
  async printing(messages: readonly InboxMessage[]): Promise<InboxMessage[]> {
    const { mine, theirs } = await this.#options.store.write(({ seen }) => {
      const marks = messages.map(({ fromDevice, id }) => seen.get(fromDevice, id)?.state);
      const mine = messages.flatMap((message, at) => {
        if (marks[at] === "shown") return [];
        return [marks[at] === "printing" && !message.redelivered ? { ...message, redelivered: true } : message];
      });
      for (const message of mine) this.#put(seen, message, "printing");
      return { mine, theirs: messages.filter((_, at) => marks[at] === "shown") };
    });
    this.#settle(theirs);
    return mine;
  }

  /** See Inbox. */
  async shown(messages: readonly InboxMessage[]): Promise<void> {
    await this.#options.store.write((tables) => {
      for (const message of messages) this.#putShown(tables, message);
      this.#options.onShown?.(tables, messages);
    });
    this.#options.arrivals?.arrived(messages);
    this.#settle(messages);
  }

  /** See Inbox. */
  async keep(
    messages: readonly InboxMessage[],
    work: (tables: Tables, mine: readonly InboxMessage[]) => void,
  ): Promise<readonly InboxMessage[]> {
    const mine = await this.#options.store.write((tables) => {
      const { seen } = tables;
      const mine = messages.filter(({ fromDevice, id }) => seen.get(fromDevice, id)?.state !== "shown");
      for (const message of mine) this.#putShown(tables, message);
      work(tables, mine);
      return mine;
    });
    this.#options.arrivals?.arrived(mine);
    this.#settle(messages);
    return mine;
  }

  /** Keeps what proves that something was said, so that it can be reported; of oneself nothing. */
  keepProof({ reportable }: Tables, said: InboxMessage | ActionEvent): void {
    const { proofs = true, groups, clock } = this.#options;
    if (proofs && !(groups && equal(groups.account, said.from))) keepProof(reportable, said, clock.now());
  }

  #put(seen: Tables["seen"], message: InboxMessage, state: "printing" | "shown"): void {
    const { fromDevice, id, bodyHash, sentAtMs } = message;
    const forgetAtMs = sentAtMs + 2 * this.maxTtlMs + CLOCK_TOLERANCE_MS;
    seen.put(fromDevice, id, { state, bodyHash }, { sentAtMs, forgetAtMs });
  }

  /** What a conversation said is erased: whoever shows messages keeps them where it wants to. */
  #putShown(tables: Tables, message: InboxMessage): void {
    this.#put(tables.seen, message, "shown");
    if (message.via === "mls") tables.opened.remove(message.fromDevice, message.id);
    this.keepProof(tables, message);
  }

  /** Nobody need be shown these again. */
  #settle(messages: readonly InboxMessage[]): void {
    for (const message of messages) {
      this.held.delete(messageName(message));
      this.#acks.add(message.seq);
    }
    this.#acks.start();
  }
}
