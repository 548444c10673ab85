/**
 * Calls over one connection: one stream each, a deadline, a request id, typed errors.
 * @module
 */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { DescMethodBiDiStreaming, DescMethodServerStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import type { Connection } from "../net/connection.ts";
import { QightError } from "../proto/errors.ts";
import { methodOf } from "../proto/methods.ts";
import { Call, type CallStarter } from "./call.ts";
import { decodePart, encodeCall } from "./call_frames.ts";
import { type Clock, type Random, systemClock, systemRandom } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import { PartWriter } from "./part_writer.ts";

/** What may be said about one call. */
export interface CallOptions {
  /** Milliseconds until the call fails with `timeout`; calls that wait by design have none unless given. */
  timeoutMs?: number;
  /** Gives the call up; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A call with messages both ways. */
export interface BidiCall<I extends DescMessage, O extends DescMessage> {
  /** Queues a message; resolves at once while little is queued, else when there is room. */
  send(request: MessageInitShape<I>): Promise<void>;
  /** Says that no more messages come. */
  end(): Promise<void>;
  /** Replies in order until the relay's explicit end; iterate once. */
  readonly responses: AsyncIterable<MessageShape<O>>;
  /** Gives up both directions. */
  cancel(): void;
}

/** Calls on one connection. */
export interface Rpc {
  /** Largest reply frame that is read, in bytes. */
  maxReply: number;
  /** One message each way. */
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  /** One message there, many back; leaving the loop gives the call up. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncIterable<MessageShape<O>>;
  /** Many messages both ways. */
  bidi<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options?: CallOptions,
  ): Promise<BidiCall<I, O>>;
}

/** Settings of `createRpc`. */
export interface RpcOptions {
  clock?: Clock;
  random?: Random;
  /** Deadline of every call that does not wait by design, in milliseconds; 10,000 unless given. */
  timeoutMs?: number;
}

/** Makes calls possible on a connection; the caller keeps the connection and closes it. */
export function createRpc(connection: Connection, options: RpcOptions = {}): Rpc {
  return new ConnectionRpc(connection, options);
}

// Before HELLO says how large an envelope may be: room for a bundle, its keys and a default-sized envelope.
const FIRST_MAX_REPLY = 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
const REQUEST_ID_BYTES = 16;

class ConnectionRpc implements Rpc {
  maxReply = FIRST_MAX_REPLY;
  readonly #starter: CallStarter;
  readonly #timeoutMs: number;
  readonly #random: Random;
  #ids = new Uint8Array(0);
  #idsUsed = 0;

  constructor(connection: Connection, options: RpcOptions) {
    const clock = options.clock ?? systemClock;
    this.#starter = { connection, deadlines: new Deadlines(clock) };
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#random = options.random ?? systemRandom;
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const row = methodOf(method);
    const call = new Call(row, this.#timeoutFor(row.waits, options), options.signal);
    try {
      const message = toBinary(method.input, create(method.input, request));
      await call.open(this.#starter);
      call.write(encodeCall(row.number, this.#requestId(), call.timeoutMs, message));
      const part = decodePart(await call.nextFrame(this.maxReply));
      if (part.kind === "failure") throw part.error;
      if (part.kind === "end") throw new QightError("bad_frame", `The relay ended ${row.name} without an answer`);
      call.drain();
      return decode(method.output, part.bytes);
    } catch (thrown) {
      throw call.fail(thrown);
    } finally {
      call.finished();
    }
  }

  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    const row = methodOf(method);
    const call = new Call(row, this.#timeoutFor(row.waits, options), options.signal);
    try {
      const message = toBinary(method.input, create(method.input, request));
      await call.open(this.#starter);
      call.write(encodeCall(row.number, this.#requestId(), call.timeoutMs, message));
      yield* this.#replies(call, method.output);
    } catch (thrown) {
      throw call.fail(thrown);
    } finally {
      call.finished();
    }
  }

  async bidi<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options: CallOptions = {},
  ): Promise<BidiCall<I, O>> {
    const row = methodOf(method);
    const call = new Call(row, this.#timeoutFor(row.waits, options), options.signal);
    try {
      const stream = await call.open(this.#starter);
      const writer = new PartWriter(stream, encodeCall(row.number, this.#requestId(), call.timeoutMs, null));
      return {
        send: (request) => writer.send(toBinary(method.input, create(method.input, request))),
        end: () => writer.end(),
        responses: this.#bidiReplies(call, method.output),
        cancel: () => call.stop(new QightError("interrupted", `The call ${row.name} was given up`)),
      };
    } catch (thrown) {
      call.finished();
      throw call.fail(thrown);
    }
  }

  async *#bidiReplies<O extends DescMessage>(call: Call, output: O): AsyncGenerator<MessageShape<O>, void, undefined> {
    try {
      yield* this.#replies(call, output);
    } catch (thrown) {
      throw call.fail(thrown);
    } finally {
      call.finished();
    }
  }

  async *#replies<O extends DescMessage>(call: Call, output: O): AsyncGenerator<MessageShape<O>, void, undefined> {
    for (;;) {
      const part = decodePart(await call.nextFrame(this.maxReply));
      if (part.kind === "failure") throw part.error;
      if (part.kind === "end") return call.drain();
      yield decode(output, part.bytes);
    }
  }

  #timeoutFor(waits: boolean, options: CallOptions): number {
    return Math.round(options.timeoutMs ?? (waits ? 0 : this.#timeoutMs));
  }

  /** 16 random bytes; taken from a pool because asking for randomness costs more than copying it. */
  #requestId(): Uint8Array {
    if (this.#idsUsed === this.#ids.length) {
      this.#ids = this.#random(REQUEST_ID_BYTES * 64) as Uint8Array<ArrayBuffer>;
      this.#idsUsed = 0;
    }
    return this.#ids.subarray(this.#idsUsed, this.#idsUsed += REQUEST_ID_BYTES);
  }
}

function decode<O extends DescMessage>(schema: O, bytes: Uint8Array): MessageShape<O> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new QightError("bad_frame", `A ${schema.name} of the relay does not decode`, { cause });
  }
}
