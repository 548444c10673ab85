/** The session with the relay for as long as a chat lasts: made anew when it is lost, and each change said in one line. @module */
import { systemRandom } from "../../client/clock.ts";
import { isWorthRetrying, Reconnector, type RelaySource } from "../../client/reconnect.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import type { Connected, Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";

/** What a link tells. */
export interface LinkEvents {
  /** One line for the user. */
  tell(text: string): void;
  /** A session was made, the first one or another. */
  connected(): void;
}

/** One relay, however often its session is lost. */
export class Link implements RelaySource, AsyncDisposable {
  readonly #messenger: Messenger;
  readonly #events: LinkEvents;
  readonly #reconnector: Reconnector;
  readonly #rooms = new WeakMap<RelayClient, Connected>();
  #state: "starting" | "online" | "offline" = "starting";
  #offline = Promise.withResolvers<void>();
  #closing = false;
  #maxMessage: number | null = null;

  constructor(messenger: Messenger, events: LinkEvents) {
    this.#messenger = messenger;
    this.#events = events;
    this.#reconnector = new Reconnector({
      connect: () => this.#connect(),
      timeoutMs: Infinity,
      clock: messenger.clock,
      random: systemRandom,
    });
  }

  /** Resolves when there is no session, and an attempt has failed or a session was lost. */
  untilOffline(): Promise<void> {
    return this.#offline.promise;
  }

  /** The largest message that the relay takes, bytes; null before the first session. */
  get maxMessage(): number | null {
    return this.#maxMessage;
  }

  client(signal?: AbortSignal): Promise<RelayClient> {
    const client = this.#reconnector.client(signal);
    return signal ? orAborted(client, signal) : client;
  }

  /** A live session with what sending needs. */
  async room(signal: AbortSignal): Promise<Connected> {
    const room = this.#rooms.get(await this.client(signal));
    if (!room) throw new QightError("invariant", "A session came from nowhere");
    return room;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#reconnector[Symbol.asyncDispose]();
  }

  async #connect(): Promise<RelayClient> {
    try {
      const room = await this.#messenger.connect();
      this.#rooms.set(room.relay, room);
      if (this.#state === "offline") {
        this.#events.tell("connected");
        this.#offline = Promise.withResolvers();
      }
      this.#state = "online";
      this.#maxMessage = room.relay.session.maxMessage;
      void room.relay.closed.then(() => this.#lost("the connection was lost"));
      this.#events.connected();
      return room.relay;
    } catch (thrown) {
      const error = asQightError(thrown);
      if (isWorthRetrying(error)) this.#lost(error.message);
      throw error;
    }
  }

  #lost(why: string): void {
    if (this.#closing || this.#state === "offline") return;
    this.#state = "offline";
    this.#offline.resolve();
    this.#events.tell(`offline: ${why}; trying again, and what you write waits on disk`);
  }
}
