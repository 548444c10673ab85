/**
 * One stream of a WebSocket connection: credit, order of writes, and who has ended.
 * @module
 */

import type { ByteStream } from "./connection.ts";
import { BytePipe, Credit, InOrder } from "./pipe.ts";
import { brokenStream } from "./socket.ts";
import { Flag, MAX_PAYLOAD } from "./websocket_frame.ts";

/** Bytes that one direction of a stream may have in flight or unread. */
export const STREAM_WINDOW = 256 * 1024;

/** What a stream needs from its connection. */
export interface StreamHost {
  /** Credit of the whole connection for sending. */
  readonly credit: Credit;
  /** Whether the socket's buffer has room for data now. */
  readonly hasRoom: boolean;
  /** Resolves when the socket's buffer has room; rejects when the connection is over. */
  room(): Promise<void>;
  send(id: number, flag: Flag, payload?: Uint8Array): void;
  sendNumber(id: number, flag: Flag, number: number): void;
  /** The reader took bytes: the peer may be given as much credit again. */
  consumed(stream: MuxStream, bytes: number): void;
  /** Both directions have ended. */
  forget(stream: MuxStream): void;
}

/** A stream as the application sees it; the connection calls the `peer…` methods. */
export class MuxStream implements ByteStream {
  /** Bytes that the peer may still send. */
  window = STREAM_WINDOW;
  /** Bytes consumed and not yet given back as credit. */
  owed = 0;
  readonly credit = new Credit(STREAM_WINDOW);
  readonly #host: StreamHost;
  readonly #inbox: BytePipe;
  readonly #order = new InOrder();
  #broken?: Error;
  #weEnded = false;
  #peerEnded = false;
  #sentEnd = false;

  constructor(readonly id: number, host: StreamHost) {
    this.#host = host;
    this.#inbox = new BytePipe((bytes) => host.consumed(this, bytes));
  }

  /** Whether the peer sends nothing more. */
  get peerEnded(): boolean {
    return this.#peerEnded;
  }

  /** Whether our direction is complete on the wire. */
  get sentEnd(): boolean {
    return this.#sentEnd;
  }

  read(): Promise<Uint8Array | null> {
    return this.#inbox.read();
  }

  write(bytes: Uint8Array): Promise<void> {
    const refusal = this.#refusal();
    if (refusal) return Promise.reject(refusal);
    const { credit } = this.#host;
    const size = bytes.length;
    const atOnce = this.#order.idle && size <= MAX_PAYLOAD && this.#host.hasRoom && this.credit.available >= size &&
      credit.available >= size;
    if (!atOnce) return this.#order.run(() => this.#writeSlowly(bytes));
    this.credit.takeNow(size);
    credit.takeNow(size);
    this.#host.send(this.id, Flag.data, bytes);
    return Promise.resolve();
  }

  end(): Promise<void> {
    const refusal = this.#refusal();
    if (refusal) return Promise.reject(refusal);
    this.#weEnded = true;
    if (!this.#order.idle) return this.#order.run(async () => this.#sendEnd());
    this.#sendEnd();
    return Promise.resolve();
  }

  reset(code = 0): void {
    if (this.#broken) return;
    const finished = this.#peerEnded && this.#sentEnd;
    this.#break(brokenStream("it was reset"));
    this.#inbox.fail(this.#broken!);
    if (finished) return;
    this.#sentEnd = true;
    this.#host.sendNumber(this.id, Flag.reset, code);
    if (this.#peerEnded) this.#host.forget(this);
  }

  /** Bytes from the peer, within its credit. After our reset they are only counted. */
  peerData(bytes: Uint8Array): void {
    this.window -= bytes.length;
    if (this.#inbox.finished) this.#host.consumed(this, bytes.length);
    else this.#inbox.push(bytes);
  }

  /** The peer's direction is complete. */
  peerEnd(): void {
    this.#peerEnded = true;
    this.#inbox.end();
    if (this.#sentEnd) this.#host.forget(this);
  }

  /** The peer gave up both directions; what it had ended before stays readable. */
  peerReset(code: number): void {
    const error = brokenStream(`the peer gave it up (code ${code})`);
    if (!this.#peerEnded) this.#inbox.fail(error);
    this.#peerEnded = true;
    this.#break(error);
    if (!this.#sentEnd) this.#host.sendNumber(this.id, Flag.reset, code);
    this.#sentEnd = true;
    this.#host.forget(this);
  }

  /** The connection is over; what had arrived whole stays readable. */
  connectionOver(error: Error): void {
    this.#break(error);
    if (!this.#peerEnded) this.#inbox.fail(error);
  }

  #break(error: Error): void {
    this.#broken ??= error;
    this.credit.fail(error);
  }

  #refusal(): Error | undefined {
    return this.#broken ?? (this.#weEnded ? brokenStream("this side has ended") : undefined);
  }

  #sendEnd(): void {
    if (this.#broken) throw this.#broken;
    this.#sentEnd = true;
    this.#host.send(this.id, Flag.end);
    if (this.#peerEnded) this.#host.forget(this);
  }

  async #writeSlowly(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const ours = await this.credit.take(Math.min(bytes.length - at, MAX_PAYLOAD));
      const both = await this.#host.credit.take(ours);
      if (both < ours) this.credit.give(ours - both);
      await this.#host.room();
      if (this.#broken) throw this.#broken;
      this.#host.send(this.id, Flag.data, bytes.subarray(at, at += both));
    }
  }
}
