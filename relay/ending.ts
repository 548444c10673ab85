/**
 * How a relay ends: at once, or after the calls under way have had their answers.
 * @module
 */
import type { Listener } from "../net/connection.ts";
import { errorTable } from "../proto/errors.ts";
import type { Log } from "./log.ts";
import type { Peer } from "./peer.ts";

/** Three round trips of a slow line. */
const FLUSH_MS = 300;

/** What ends, and how long it may take. */
export interface EndingOptions {
  readonly listeners: readonly Listener[];
  /** Ends of what serves each listener. */
  readonly serving: readonly Promise<void>[];
  readonly peers: ReadonlySet<Peer>;
  /** Store, files and doors; the relay adds to it as it opens them. */
  readonly cleanup: AsyncDisposableStack;
  readonly log: Log;
  /** Longest wait for calls under way, milliseconds. */
  readonly drainTimeoutMs: () => number;
  /** Called when draining begins: nobody new should find the relay. */
  readonly hide: () => void;
}

/** The end of one relay, which comes once. */
export class Ending {
  readonly #options: EndingOptions;
  readonly #closed = Promise.withResolvers<void>();
  #draining = false;
  #stopped: Promise<void> | null = null;

  constructor(options: EndingOptions) {
    this.#options = options;
    // Whoever started the relay awaits `closed`; until then a failed store must not be an unhandled rejection.
    this.#closed.promise.catch(() => {});
  }

  /** Whether new work is refused. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Resolves when all is closed; rejects with what the relay was stopped for, or with what failed while it closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Stops at once; `error` is why, when something failed. */
  async stop(error?: unknown): Promise<void> {
    this.#stopped ??= this.#stop(error);
    await this.#stopped;
  }

  /** Refuses new work, waits for calls under way up to the drain timeout, and stops; the second time at once. */
  async drain(): Promise<void> {
    if (this.#draining) return await this.stop();
    this.#draining = true;
    const { listeners, peers, log, drainTimeoutMs, hide } = this.#options;
    log.info("draining", { connections: peers.size });
    hide();
    for (const listener of listeners) listener.stop();
    const deadline = performance.now() + drainTimeoutMs();
    const busy = () => [...peers].some((peer) => [...peer.calls].some((call) => call.busy));
    // Calls that wait by design end now; sends under way get their answer first.
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    while (busy() && performance.now() < deadline && !this.#stopped) await pause(10);
    // The transport has the last answers, their readers not yet: QUIC's close throws away what is on its way
    // (RFC 9000 §10.2: an endpoint that closes sends no more stream data).
    if (peers.size > 0 && !this.#stopped) await pause(FLUSH_MS);
    await this.stop();
  }

  async #stop(error: unknown): Promise<void> {
    const { listeners, serving, peers, cleanup } = this.#options;
    this.#draining = true;
    for (const listener of listeners) listener.stop();
    for (const peer of peers) peer.connection.close(errorTable.draining.number, "the relay stops");
    // Peers hear of it only when the socket outlives the close (docs/proof.md: else they wait for seconds).
    await Promise.all([...peers].map((peer) => peer.connection.closed));
    // A disk that fails while the store closes is the relay's end too; without this the process would stay for ever.
    const failure = await cleanup.disposeAsync().then(() => error, (thrown) => error ?? thrown);
    await Promise.allSettled(serving);
    if (failure) this.#closed.reject(failure);
    else this.#closed.resolve();
  }
}
