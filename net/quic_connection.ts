/**
 * One QUIC connection and its streams, over the objects that net/quic.ts got from Deno.
 * @module
 */

import type { ByteStream, CloseReason, Connection, PeerAddress } from "./connection.ts";
import { brokenStream, socketAddress } from "./socket.ts";

/** A live QUIC connection. */
export class QuicConnection implements Connection {
  readonly transport = "quic";
  readonly peer: PeerAddress;
  readonly closed: Promise<CloseReason>;
  readonly #conn: Deno.QuicConn;
  #over = false;
  #ended?: CloseReason;

  constructor(conn: Deno.QuicConn) {
    this.#conn = conn;
    this.peer = socketAddress(conn.remoteAddr);
    this.closed = conn.closed.then(
      ({ closeCode, reason }) => this.#ended ?? { code: closeCode, reason },
      (error) => this.#ended ?? { code: 0, reason: "", error: brokenStream(error) },
    ).finally(() => this.#over = true);
  }

  openStream(): Promise<ByteStream> {
    return this.#conn.createBidirectionalStream(WAIT).then(wrap, rethrow);
  }

  get incoming(): AsyncIterable<ByteStream> {
    const reader = this.#conn.incomingBidirectionalStreams.getReader();
    const next = async (): Promise<IteratorResult<ByteStream>> => {
      try {
        const { value, done } = await reader.read();
        if (!done) return { value: new QuicStream(value), done: false };
      } catch {
        // Accepting fails when the connection is over; `closed` says why.
      }
      return { value: undefined, done: true };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  close(code = 0, reason = ""): void {
    if (this.#over) return;
    this.#over = true;
    this.#ended = { code, reason }; // Deno tells the closing side 0 and ""
    this.#conn.close({ closeCode: code, reason });
  }
}

/** Reader and writer are taken when first needed and then stay: taking them costs more than a small write. */
class QuicStream implements ByteStream {
  readonly #bidi: Deno.QuicBidirectionalStream;
  #reader?: ReadableStreamBYOBReader;
  #writer?: WritableStreamDefaultWriter<Uint8Array>;
  #chunk = FIRST_CHUNK;
  #reset = false;

  constructor(bidi: Deno.QuicBidirectionalStream) {
    this.#bidi = bidi;
  }

  read(): Promise<Uint8Array | null> {
    if (this.#reset) return Promise.reject(brokenStream("it was reset"));
    const reader = this.#reader ??= this.#bidi.readable.getReader({ mode: "byob" });
    return reader.read(new Uint8Array(this.#chunk)).then(this.#taken, rethrow);
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#reset) return Promise.reject(brokenStream("it was reset"));
    const writer = this.#writer ??= this.#bidi.writable.getWriter();
    return writer.write(bytes).catch(rethrow);
  }

  end(): Promise<void> {
    if (this.#reset) return Promise.reject(brokenStream("it was reset"));
    const writer = this.#writer ??= this.#bidi.writable.getWriter();
    return writer.close().catch(rethrow);
  }

  reset(): void {
    if (this.#reset) return;
    this.#reset = true;
    // Both fail harmlessly when that direction has ended or the connection is over.
    (this.#writer ?? this.#bidi.writable).abort().catch(ignored);
    (this.#reader ?? this.#bidi.readable).cancel().catch(ignored);
  }

  readonly #taken = (result: ReadableStreamReadResult<Uint8Array>): Uint8Array | null => {
    if (this.#reset) throw brokenStream("it was reset");
    if (result.done) return null;
    if (result.value.length === this.#chunk) this.#chunk = LARGE_CHUNK;
    return result.value;
  };
}

// A call is mostly one small frame each way: a 64 KiB buffer for each would be what the relay spends its time on.
const FIRST_CHUNK = 2_048;
const LARGE_CHUNK = 65_536;
const WAIT = { waitUntilAvailable: true };

function wrap(bidi: Deno.QuicBidirectionalStream): ByteStream {
  return new QuicStream(bidi);
}

function rethrow(thrown: unknown): never {
  throw brokenStream(thrown);
}

function ignored(): void {}
