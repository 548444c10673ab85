/**
 * Connections inside one process, for tests: the same promises as QUIC without sockets.
 * @module
 */

import { QightError } from "../proto/errors.ts";
import type { ByteStream, CloseReason, Connection, Leaf, Listener, PeerAddress } from "./connection.ts";
import { BytePipe, Credit, InOrder } from "./pipe.ts";
import { AsyncQueue } from "./queue.ts";
import { brokenStream } from "./socket.ts";

/** Bytes that one direction of a stream holds before its writer waits. */
const MEMORY_WINDOW = 256 * 1024;

/** Two connected ends; `left.peer` is the address of the right end and the other way round. */
export function memoryPair(
  left: PeerAddress = { hostname: "127.0.0.1", port: 1 },
  right: PeerAddress = { hostname: "127.0.0.1", port: 2 },
): [MemoryConnection, MemoryConnection] {
  const a = new MemoryConnection(right);
  const b = new MemoryConnection(left);
  a.join(b);
  b.join(a);
  return [a, b];
}

/** A listener without a socket, and the call that connects to it. */
export function memoryListener(
  address: PeerAddress = { hostname: "127.0.0.1", port: 4433 },
): Listener & { connect(from?: PeerAddress): Promise<Connection> } {
  const connections = new AsyncQueue<Connection>();
  const stop = () => connections.end();
  return {
    address,
    connections,
    pending: 0,
    renew: (_leaf: Leaf) => {},
    stop,
    close: async () => {
      for (const connection of connections.drain()) connection.close();
    },
    connect: async (from) => {
      const [client, server] = memoryPair(from, address);
      if (!connections.push(server)) throw new QightError("unreachable", "The memory listener has stopped");
      return client;
    },
  };
}

/** One end of a memory connection. */
export class MemoryConnection implements Connection {
  readonly transport = "memory";
  readonly incoming = new AsyncQueue<ByteStream>();
  readonly closed: Promise<CloseReason>;
  readonly #streams = new Set<MemoryStream>();
  #peer?: MemoryConnection;
  #over?: CloseReason;
  #settle!: (reason: CloseReason) => void;

  constructor(readonly peer: PeerAddress) {
    this.closed = new Promise((resolve) => this.#settle = resolve);
  }

  /** Names the other end; called once by whoever made the pair. */
  join(peer: MemoryConnection): void {
    this.#peer = peer;
  }

  async openStream(): Promise<ByteStream> {
    if (this.#over) throw brokenStream("the connection is closed");
    const [ours, theirs] = MemoryStream.pair();
    this.#add(ours);
    this.#peer!.#add(theirs);
    this.#peer!.incoming.push(theirs);
    return ours;
  }

  close(code = 0, reason = ""): void {
    this.#end({ code, reason });
    this.#peer!.#end({ code, reason });
  }

  /** Ends both sides as a broken network would. */
  break(message = "the network broke"): void {
    const reason = { code: 0, reason: "", error: brokenStream(message) };
    this.#end(reason);
    this.#peer!.#end(reason);
  }

  #add(stream: MemoryStream): void {
    this.#streams.add(stream);
    stream.onDone = () => this.#streams.delete(stream);
  }

  #end(reason: CloseReason): void {
    if (this.#over) return;
    this.#over = reason;
    this.incoming.end();
    for (const stream of this.#streams) stream.fail(brokenStream("the connection is over"));
    this.#streams.clear();
    this.#settle(reason);
  }
}

class MemoryStream implements ByteStream {
  onDone: () => void = () => {};
  readonly #credit = new Credit(MEMORY_WINDOW);
  readonly #inbox = new BytePipe((bytes) => this.#other.#credit.give(bytes));
  readonly #order = new InOrder();
  #other!: MemoryStream;
  #ended = false;
  #broken?: Error;

  static pair(): [MemoryStream, MemoryStream] {
    const a = new MemoryStream();
    const b = new MemoryStream();
    a.#other = b;
    b.#other = a;
    return [a, b];
  }

  read(): Promise<Uint8Array | null> {
    return this.#inbox.read();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#checkOpen();
    await this.#order.run(async () => {
      for (let at = 0; at < bytes.length;) {
        const taken = await this.#credit.take(bytes.length - at);
        if (this.#broken) throw this.#broken;
        this.#other.#inbox.push(bytes.slice(at, at += taken));
      }
    });
  }

  async end(): Promise<void> {
    this.#checkOpen();
    this.#ended = true;
    await this.#order.run(async () => {
      if (this.#broken) throw this.#broken;
      this.#other.#inbox.end();
      this.#forget();
    });
  }

  reset(): void {
    if (this.#broken) return;
    const error = brokenStream("it was reset");
    this.fail(error);
    const other = this.#other;
    // What was ended before the reset is whole, as in QUIC: the peer may still read it.
    if (!other.#inbox.finished) other.#inbox.fail(brokenStream("the peer gave it up"));
    other.#credit.fail(brokenStream("the peer gave it up"));
    other.#broken ??= brokenStream("the peer gave it up");
    other.onDone();
  }

  fail(error: Error): void {
    this.#broken ??= error;
    this.#inbox.fail(error);
    this.#credit.fail(error);
    this.onDone();
  }

  #checkOpen(): void {
    if (this.#broken) throw this.#broken;
    if (this.#ended) throw brokenStream("this side has ended");
  }

  #forget(): void {
    if (this.#ended && this.#other.#ended) {
      this.onDone();
      this.#other.onDone();
    }
  }
}
