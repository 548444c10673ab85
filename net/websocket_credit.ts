/**
 * The receiving half of WebSocket flow control: what the peer has sent, what was consumed, and when to say so.
 * @module
 */

import { STREAM_WINDOW } from "./websocket_stream.ts";

/** Bytes of all streams together that one direction may have in flight or unread. */
export const CONNECTION_WINDOW = 4 * 1024 * 1024;

/** What the accounting keeps on each stream. */
export interface CreditedStream {
  readonly id: number;
  readonly peerEnded: boolean;
  /** Bytes that the peer may still send. */
  window: number;
  /** Bytes consumed and not yet given back as credit. */
  owed: number;
}

/** Counts received and consumed bytes of a connection and gives credit in large pieces. */
export class ReceiveCredit {
  readonly #live: () => Iterable<CreditedStream>;
  readonly #send: (id: number, bytes: number) => void;
  #outstanding = 0; // bytes that the peer sent and has no credit back for
  #owed = 0; // of these, bytes that are consumed
  #owedFinished = 0; // of these, bytes of streams that have ended
  #finishedId = 0;

  /** `live` lists the streams that may owe credit, `send` writes a credit frame. */
  constructor(live: () => Iterable<CreditedStream>, send: (id: number, bytes: number) => void) {
    this.#live = live;
    this.#send = send;
  }

  /** Counts bytes that arrived; false when the peer had no credit of the connection for them. */
  arrived(bytes: number): boolean {
    this.#outstanding += bytes;
    return this.#outstanding <= CONNECTION_WINDOW;
  }

  /** The reader of this stream took bytes. */
  consumed(stream: CreditedStream, bytes: number): void {
    this.#owed += bytes;
    stream.owed += bytes;
    if (stream.peerEnded) this.ended(stream);
    else if (stream.owed >= STREAM_WINDOW / 2) this.#give(stream);
    this.#flush();
  }

  /** Bytes of a stream that nobody will ever read. */
  dropped(id: number, bytes: number): void {
    this.#owed += bytes;
    this.#owedFinished += bytes;
    this.#finishedId = id;
    this.#flush();
  }

  /** The peer's direction is complete: what the stream owes counts for the connection alone. */
  ended(stream: CreditedStream): void {
    if (stream.owed === 0) return;
    this.#owedFinished += stream.owed;
    stream.owed = 0;
    this.#finishedId = stream.id;
  }

  /** Many streams that each owe little may hold all credit of the connection together. */
  #flush(): void {
    if (this.#owed < CONNECTION_WINDOW / 4) return;
    for (const stream of this.#live()) if (stream.owed > 0) this.#give(stream);
    if (this.#owedFinished === 0) return;
    const bytes = this.#owedFinished;
    this.#owedFinished = 0;
    this.#given(this.#finishedId, bytes);
  }

  #give(stream: CreditedStream): void {
    const bytes = stream.owed;
    stream.owed = 0;
    stream.window += bytes;
    this.#given(stream.id, bytes);
  }

  #given(id: number, bytes: number): void {
    this.#owed -= bytes;
    this.#outstanding -= bytes;
    this.#send(id, bytes);
  }
}
