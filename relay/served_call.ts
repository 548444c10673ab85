/**
 * One call under way at the relay: its deadline, and what ended it early.
 * @module
 */
import type { ByteStream } from "../net/connection.ts";
import { errorTable, QightError } from "../proto/errors.ts";
import type { Peer, RunningCall } from "./peer.ts";

/** A call from its first byte to its last; counts among the peer's calls while it runs. */
export class ServedCall implements RunningCall {
  /** Relay clock, milliseconds; Infinity for calls that wait by design. */
  deadlineMs: number;
  /** Messages that are stored and whose answers the transport has not taken yet. */
  owed = 0;
  readonly #peer: Peer;
  readonly #stream: ByteStream;
  #reason: QightError | null = null;
  // Made when a handler asks: most calls are over in a millisecond and never do.
  #abort: AbortController | null = null;

  constructor(peer: Peer, stream: ByteStream, deadlineMs: number) {
    this.#peer = peer;
    this.#stream = stream;
    this.deadlineMs = deadlineMs;
    peer.calls.add(this);
  }

  get busy(): boolean {
    return this.deadlineMs !== Infinity || this.owed > 0;
  }

  /** Why the call was abandoned, or null. */
  get reason(): QightError | null {
    return this.#reason;
  }

  /** Aborts when the call is abandoned or over. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#reason) this.#abort.abort(this.#reason);
    }
    return this.#abort.signal;
  }

  /** Ends the call early; whoever waits in it hears the reason. */
  abandon(error: QightError): void {
    this.#reason ??= error;
    this.#abort?.abort(error);
    this.#stream.reset(errorTable[error.code].number);
  }

  /** Ends the call early if it waits; the caller hears the reason. What is being stored still gets its answer. */
  end(error: QightError): void {
    this.#reason ??= error;
    this.#abort?.abort(error);
  }

  /** The call is over; nobody waits for its signal any more. */
  finished(): void {
    this.#peer.calls.delete(this);
    this.#abort?.abort(this.#reason ?? new QightError("unreachable", "The call is over"));
  }
}

/** Ends calls whose deadline has passed; one sweep for all is cheaper than a timer for each. */
export function sweepDeadlines(peers: Iterable<Peer>, nowMs: number): void {
  for (const peer of peers) {
    for (const call of peer.calls) {
      if (call.deadlineMs > nowMs) continue;
      peer.calls.delete(call);
      call.abandon(new QightError("timeout", "The relay stopped waiting for this call"));
    }
  }
}
