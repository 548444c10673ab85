/**
 * Many streams over one WebSocket: ids, credit, liveness, and a close with a reason for every violation.
 * @module
 */

import type { WebSocket } from "ws";
import { QightError } from "../proto/errors.ts";
import type { ByteStream, CloseReason, Connection, PeerAddress } from "./connection.ts";
import { Credit } from "./pipe.ts";
import { AsyncQueue } from "./queue.ts";
import { brokenStream } from "./socket.ts";
import { closeReasonOf, dropSoon, sendClose } from "./websocket_close.ts";
import { decodeFrame, encodeFrame, encodeNumber, Flag } from "./websocket_frame.ts";
import { CONNECTION_WINDOW, ReceiveCredit } from "./websocket_credit.ts";
import { MuxStream, STREAM_WINDOW, type StreamHost } from "./websocket_stream.ts";

/** Streams that a client may have open at once unless the relay says otherwise. */
export const DEFAULT_MAX_STREAMS = 100;

/** How a connection is to behave; times in milliseconds. */
export interface MuxOptions {
  readonly role: "client" | "server";
  readonly peer: PeerAddress;
  readonly maxStreams?: number;
  readonly pingMs?: number;
}

/** A connection over an open WebSocket. */
export class MuxConnection implements Connection, StreamHost {
  readonly transport = "websocket";
  readonly peer: PeerAddress;
  readonly incoming = new AsyncQueue<ByteStream>();
  readonly closed: Promise<CloseReason>;
  readonly credit = new Credit(CONNECTION_WINDOW);
  readonly #socket: WebSocket;
  readonly #role: "client" | "server";
  readonly #maxStreams: number;
  readonly #streams = new Map<number, MuxStream>();
  /** Streams over the limit that we answered with reset and whose end we have not seen. */
  readonly #refused = new Set<number>();
  readonly #received = new ReceiveCredit(
    () => this.#streams.values(),
    (id, bytes) => this.sendNumber(id, Flag.credit, bytes),
  );
  readonly #forRoom = new AsyncWaiters();
  readonly #forSlot = new AsyncWaiters();
  readonly #pinger: ReturnType<typeof setInterval>;
  #lastId = -1;
  #heard = true;
  #pings = 0; // of the peer, since we last looked whether it is alive
  #over?: CloseReason;
  #settle!: (reason: CloseReason) => void;

  constructor(socket: WebSocket, options: MuxOptions) {
    this.#socket = socket;
    this.#role = options.role;
    this.peer = options.peer;
    this.#maxStreams = options.maxStreams ?? DEFAULT_MAX_STREAMS;
    this.closed = new Promise((resolve) => this.#settle = resolve);
    socket.on("message", (data, isBinary) => this.#message(data as Uint8Array, isBinary));
    socket.on("ping", () => this.#ping());
    socket.on("pong", () => this.#heard = true);
    socket.on("error", (error) => this.#failed(error));
    socket.on("close", (code, reason) => this.#end(closeReasonOf(code, reason.toString())));
    this.#pinger = setInterval(() => this.#checkAlive(), options.pingMs ?? 20_000);
  }

  async openStream(): Promise<ByteStream> {
    if (this.#role === "server") throw new QightError("protocol", "Only clients open streams");
    while (!this.#over && this.#streams.size >= this.#maxStreams) await this.#forSlot.wait();
    if (this.#over) throw brokenStream("the connection is closed");
    if (this.#lastId >= LAST_ID) {
      throw new QightError("busy", "All stream ids of this connection are used; connect again");
    }
    const stream = this.#add(this.#lastId + 2);
    this.send(stream.id, Flag.open);
    return stream;
  }

  close(code = 0, reason = ""): void {
    if (this.#over) return;
    sendClose(this.#socket, code, reason);
    this.#end({ code, reason });
  }

  get hasRoom(): boolean {
    return this.#socket.bufferedAmount <= MAX_BUFFERED;
  }

  async room(): Promise<void> {
    while (!this.#over && !this.hasRoom) await this.#forRoom.wait();
    if (this.#over) throw brokenStream("the connection is closed");
  }

  send(id: number, flag: Flag, payload?: Uint8Array): void {
    if (this.#over) return;
    this.#checkFlood();
    const frame = encodeFrame(id, flag, payload);
    if (payload) this.#socket.send(frame, this.#flushed);
    else this.#socket.send(frame);
  }

  sendNumber(id: number, flag: Flag, number: number): void {
    if (this.#over) return;
    this.#checkFlood();
    this.#socket.send(encodeNumber(id, flag, number));
  }

  consumed(stream: MuxStream, bytes: number): void {
    this.#received.consumed(stream, bytes);
  }

  forget(stream: MuxStream): void {
    this.#received.ended(stream);
    if (this.#streams.delete(stream.id)) this.#forSlot.wakeAll();
  }

  #message(message: Uint8Array, isBinary: boolean): void {
    if (this.#over) return;
    this.#heard = true;
    if (!isBinary) return this.#violation("text instead of bytes", UNSUPPORTED_DATA);
    try {
      this.#frame(message);
    } catch (thrown) {
      this.#violation(thrown instanceof QightError ? thrown.message : "a frame that failed: " + thrown);
    }
  }

  #frame(message: Uint8Array): void {
    const { id, flag, payload, number } = decodeFrame(message);
    if (flag === Flag.open) return this.#peerOpens(id);
    if (id % 2 === 0 || id > this.#lastId) return this.#violation(`a frame for the unknown stream ${id}`);
    const stream = this.#streams.get(id);
    if (flag === Flag.credit) return this.#peerCredits(stream, number);
    // A reset may cross our end or reset on the way; then it has nothing left to do.
    if (flag === Flag.reset) return void (this.#refused.delete(id) || stream?.peerReset(number));
    if (!this.#received.arrived(payload.length)) return this.#violation("more than the credit of the connection");
    if (this.#refused.has(id)) {
      if (flag === Flag.end) this.#refused.delete(id);
      return this.#received.dropped(id, payload.length);
    }
    if (!stream || stream.peerEnded) return this.#violation(`a frame for the finished stream ${id}`);
    if (flag === Flag.end) {
      stream.peerEnd();
      this.#received.ended(stream);
    } else if (payload.length > stream.window) this.#violation(`more than its credit on stream ${id}`);
    else stream.peerData(payload);
  }

  #peerOpens(id: number): void {
    if (this.#role === "client") return this.#violation("open, which only clients may");
    if (id !== this.#lastId + 2) return this.#violation(`open for stream ${id} after ${this.#lastId}`);
    if (this.#streams.size < this.#maxStreams) return void this.incoming.push(this.#add(id));
    this.#lastId = id;
    this.#refused.add(id);
    if (this.#refused.size > this.#maxStreams) return this.#violation("far more streams than allowed");
    this.sendNumber(id, Flag.reset, BUSY);
  }

  #peerCredits(stream: MuxStream | undefined, bytes: number): void {
    this.credit.give(bytes);
    // After our end the credit of the stream itself means nothing; it may stand for several finished streams.
    if (stream && !stream.sentEnd) stream.credit.give(bytes);
    if (this.credit.available > CONNECTION_WINDOW || (stream?.credit.available ?? 0) > STREAM_WINDOW) {
      this.#violation("more credit than there was data");
    }
  }

  #add(id: number): MuxStream {
    this.#lastId = id;
    const stream = new MuxStream(id, this);
    this.#streams.set(id, stream);
    return stream;
  }

  #ping(): void {
    this.#heard = true;
    // A ping is 6 bytes and its answer a write of its own: a flood of them would keep the relay from everybody else.
    if (++this.#pings > MAX_PINGS) return this.#failed(new QightError("protocol", "The peer sent a flood of pings"));
    // Not ws's own autoPong: a peer that pings and never reads would fill our memory with answers.
    if (this.hasRoom) this.#socket.pong();
  }

  #checkAlive(): void {
    if (!this.#heard) return this.#failed(new Error("the peer is silent"));
    this.#heard = false;
    this.#pings = 0;
    this.#socket.ping();
  }

  #checkFlood(): void {
    // Data waits for room; only answers (credit, reset) to a peer that never reads can get this far.
    if (this.#socket.bufferedAmount > 2 * MAX_BUFFERED + CONNECTION_WINDOW) {
      this.#failed(new Error("the peer does not read"));
    }
  }

  readonly #flushed = (): void => {
    if (this.hasRoom) this.#forRoom.wakeAll();
  };

  #violation(what: string, code = PROTOCOL_ERROR): void {
    if (this.#over) return;
    sendClose(this.#socket, code, what, true);
    this.#end({ code, reason: what, error: new QightError("protocol", `The peer sent ${what}`) });
  }

  #failed(error: Error): void {
    const { code } = error as { code?: string };
    // ws has sent the right close code itself (1009 too big, 1002 bad WebSocket frame, 1007 bad text).
    const broken = code?.startsWith("WS_ERR_")
      ? new QightError("protocol", error.message, { cause: error })
      : brokenStream(error);
    this.#end({ code: 0, reason: "", error: broken });
    if (code?.startsWith("WS_ERR_")) dropSoon(this.#socket);
    else this.#socket.terminate();
  }

  #end(reason: CloseReason): void {
    if (this.#over) return;
    this.#over = reason;
    clearInterval(this.#pinger);
    const error = reason.error ?? brokenStream("the connection is closed");
    this.incoming.end();
    for (const stream of this.#streams.values()) stream.connectionOver(error);
    this.#streams.clear();
    this.#refused.clear();
    this.credit.fail(error);
    this.#forRoom.wakeAll();
    this.#forSlot.wakeAll();
    if (this.#socket.readyState === this.#socket.CLOSED) this.#settle(reason);
    else this.#socket.once("close", () => this.#settle(reason));
  }
}

/** Bytes in the socket's own buffer beyond which data waits. */
const MAX_BUFFERED = 1024 * 1024;
const MAX_PINGS = 100; // between two looks at whether the peer is alive (20 s): one a second would be eager
const PROTOCOL_ERROR = 1002, UNSUPPORTED_DATA = 1003; // RFC 6455 §7.4.1
const LAST_ID = 0xffff_ffff;
const BUSY = 7504; // number of the code `busy`

class AsyncWaiters {
  #waiting: (() => void)[] = [];

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
