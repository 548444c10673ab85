/**
 * Keeps one session with a relay alive: when it is lost, tries again with growing, jittered pauses.
 * @module
 */
import { asQightError, QightError } from "../proto/errors.ts";
import { type Clock, pause, type Random } from "./clock.ts";
import type { RelayClient } from "./relay_client.ts";

/** Where a session comes from; the same client as long as it lives. */
export interface RelaySource {
  /** A live session. `unreachable` (69) when none comes back in time. */
  client(signal?: AbortSignal): Promise<RelayClient>;
}

/** Settings of a Reconnector; times in milliseconds. */
export interface ReconnectOptions {
  /** Makes a new session. */
  connect: () => Promise<RelayClient>;
  /** How long to go on trying after a session was lost. */
  timeoutMs: number;
  clock: Clock;
  random: Random;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** One session at a time, made anew when it is lost. */
export class Reconnector implements RelaySource, AsyncDisposable {
  readonly #options: ReconnectOptions;
  #current: RelayClient | null = null;
  #connecting: Promise<RelayClient> | null = null;
  #closed = false;

  constructor(options: ReconnectOptions, first?: RelayClient) {
    this.#options = options;
    if (first) this.#adopt(first);
  }

  client(signal?: AbortSignal): Promise<RelayClient> {
    if (this.#current) return Promise.resolve(this.#current);
    return this.#connecting ??= this.#connect(signal).finally(() => this.#connecting = null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#current?.[Symbol.asyncDispose]();
  }

  async #connect(signal?: AbortSignal): Promise<RelayClient> {
    const { connect, timeoutMs, clock } = this.#options;
    const untilMs = clock.monotonic() + timeoutMs;
    for (let tries = 0;; tries++) {
      signal?.throwIfAborted();
      if (this.#closed) throw new QightError("unreachable", "The session was closed");
      try {
        const client = await inTime(clock, connect(), patienceFor(timeoutMs, untilMs - clock.monotonic()));
        if (this.#closed) client.close();
        return this.#adopt(client);
      } catch (thrown) {
        const error = asQightError(thrown, "unreachable");
        if (!isWorthRetrying(error)) throw error;
        const pauseMs = this.#pauseBefore(tries, error);
        if (clock.monotonic() + pauseMs >= untilMs) throw asUnreachable(error);
        await pause(clock, pauseMs, signal);
      }
    }
  }

  #adopt(client: RelayClient): RelayClient {
    this.#current = client;
    client.closed.then(() => {
      if (this.#current === client) this.#current = null;
    });
    return client;
  }

  /** Between half and all of an exponential pause, so that many clients of one relay do not come back together. */
  #pauseBefore(tries: number, error: QightError): number {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 20));
    const share = this.#options.random(1)[0] / 255;
    return Math.max(error.retryAfterMs ?? 0, longest * (0.5 + share / 2));
  }
}

/**
 * How long one attempt may stay without an answer. A relay that dies while it is greeted says no goodbye over UDP: half
 * of the time that is left, and at least a quarter of it all, leaves room for another attempt.
 */
function patienceFor(timeoutMs: number, leftMs: number): number {
  return Math.max(leftMs / 2, timeoutMs / 4);
}

/** The client, or `timeout` when it takes longer than `patienceMs`; one that comes too late is closed. */
function inTime(clock: Clock, attempt: Promise<RelayClient>, patienceMs: number): Promise<RelayClient> {
  if (!Number.isFinite(patienceMs)) return attempt;
  return new Promise((resolve, reject) => {
    let late = false;
    const cancel = clock.after(patienceMs, () => {
      late = true;
      reject(new QightError("timeout", `The relay did not answer within ${Math.round(patienceMs)} ms`));
    });
    attempt.then((client) => late ? client.close() : resolve(client), reject).finally(cancel);
  });
}

/** Whether a failed connection may succeed later: nobody there, too busy, no answer in time. */
export function isWorthRetrying(error: QightError): boolean {
  return error.exit === 69 || error.exit === 75 || error.code === "timeout";
}

function asUnreachable(error: QightError): QightError {
  if (error.code === "unreachable") return error;
  return new QightError("unreachable", `No session came back: ${error.message}`, { cause: error });
}
