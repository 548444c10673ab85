/** Empties the outbox while a chat goes on: at once, again after a lost session, and later for those who cannot take it. @module */
import { type Clock, pause } from "../../client/clock.ts";
import type { History } from "../../client/history.ts";
import type { Outbox } from "../../client/outbox.ts";
import { type Delivery, flushQueue, isUnknown } from "../../client/send.ts";
import { asQightError, type QightError } from "../../proto/errors.ts";
import type { Connected } from "../messenger.ts";
import { hintInChat } from "./hints.ts";
import type { Link } from "./link.ts";

/** What a sender works with. */
export interface SenderOptions {
  readonly link: Link;
  readonly outbox: Outbox;
  readonly history: History;
  readonly clock: Clock;
  /** What a conversation is called. */
  readonly title: (conversation: string) => Promise<string>;
  readonly note: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** A recipient that cannot take a message now is tried again after this, milliseconds. */
const LATER_MS = 30_000;
/** Between two attempts over broken sessions, milliseconds. */
const AGAIN_MS = 200;

/** Sends what is queued, in order, for as long as it runs. */
export class Sender {
  readonly #options: SenderOptions;
  #wanted = Promise.withResolvers<void>();
  #more = true;
  #busy = true;
  #idle = Promise.withResolvers<void>();
  #cancelLater: () => void = () => {};
  /** Messages whose waiting was said already. */
  readonly #told = new Set<string>();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** There may be something to send. */
  wake(): void {
    if (!this.#busy) this.#idle = Promise.withResolvers();
    this.#busy = true;
    this.#more = true;
    this.#wanted.resolve();
  }

  /** Resolves when all is sent that can be sent now. */
  idle(): Promise<void> {
    return this.#idle.promise;
  }

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => stopped.resolve(), { once: true });
    this.#wanted.resolve();
    try {
      for (;;) {
        await Promise.race([this.#wanted.promise, stopped.promise]);
        if (signal.aborted) return;
        this.#wanted = Promise.withResolvers();
        this.#more = false;
        await this.#attempt(signal);
        if (this.#more) continue;
        this.#busy = false;
        this.#idle.resolve();
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    } finally {
      this.#cancelLater();
    }
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    const room = await this.#options.link.room(signal);
    try {
      await this.#flush(room);
    } catch (thrown) {
      const error = asQightError(thrown);
      if (signal.aborted || !isUnknown(error)) throw error;
      // The bytes are kept: the same go again, over another session.
      room.relay.close();
      await pause(this.#options.clock, AGAIN_MS, signal);
      this.wake();
    }
  }

  async #flush(room: Connected): Promise<void> {
    const { outbox, history, warn } = this.#options;
    for (const id of await outbox.purge(room.relay.session.maxTtlS * 1000)) {
      await history.settle(id, true);
      warn(`not sent to ${await this.#whom(id)}: it waited longer than the relay keeps messages`);
    }
    let laterMs = Infinity;
    for await (const delivery of flushQueue(room)) {
      laterMs = Math.min(laterMs, await this.#settle(delivery));
    }
    this.#cancelLater();
    if (laterMs !== Infinity) this.#cancelLater = this.#options.clock.after(laterMs, () => this.wake());
  }

  /** Records what became of a message; answers when to try again, milliseconds. */
  async #settle({ id, error }: Delivery): Promise<number> {
    const { history, note, warn } = this.#options;
    const state = await history.settle(id, error !== null);
    if (!error) return Infinity;
    if (state === "failed") warn(`not sent to ${await this.#whom(id)}: ${sentence(error)}`);
    if (state !== "waiting") return Infinity;
    if (!this.#told.has(id.toHex())) note(`the message to ${await this.#whom(id)} waits: ${error.message}`);
    this.#told.add(id.toHex());
    return Math.max(error.retryAfterMs ?? LATER_MS, AGAIN_MS);
  }

  async #whom(id: Uint8Array): Promise<string> {
    const line = await this.#options.history.written(id);
    return line ? await this.#options.title(line.conversation) : `the recipient of ${id.toHex()}`;
  }
}

/** What happened and what to do next, on one line. */
export function sentence({ message, hint }: QightError): string {
  return hint ? `${message}. ${hintInChat(hint)}` : message;
}
