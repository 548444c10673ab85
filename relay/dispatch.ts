/**
 * Reads one call from one stream, finds its handler in the table, and writes the reply.
 * @module
 */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { MAX_ENVELOPE_BYTES } from "../crypto/envelope.ts";
import type { ByteStream } from "../net/connection.ts";
import { asQightError, errorTable, QightError } from "../proto/errors.ts";
import { FrameReader } from "../proto/frame.ts";
import { CallHeaderSchema, PartSchema } from "../proto/gen/qight/v1/frame_pb.ts";
import { type Method, methods } from "../proto/methods.ts";
import { authorize, type Observer } from "./middleware.ts";
import type { Peer, RunningCall } from "./peer.ts";
import { ReplyWriter } from "./reply_writer.ts";

/** Largest CallHeader frame in bytes: three small fields. */
const MAX_HEADER = 64;
/** A Part and a SendRequest each add a tag and a length to the message. */
const PART_OVERHEAD = 16;
/** Requests that one connection may have under way, in bytes (PROTOCOL.md: 4 MiB per connection). */
const MAX_BYTES_IN_FLIGHT = 4 * 1024 * 1024;

/** What a handler may ask about the call it serves. */
export interface CallContext {
  readonly peer: Peer;
  readonly method: Method;
  /** Aborts when the caller is gone, the deadline passed, or the relay stops. */
  readonly signal: AbortSignal;
  /** Request messages in order; unary calls have exactly one. */
  readonly requests: RequestReader;
  readonly reply: ReplyWriter;
}

/** Handles one call; throwing a QightError answers with its Failure. */
export type Handler = (call: CallContext) => Promise<void>;

/** What dispatch needs of the relay. */
export interface Dispatcher {
  readonly handlers: ReadonlyMap<number, Handler>;
  readonly observer: Observer;
  readonly requestTimeoutMs: () => number;
  readonly now: () => number;
}

/** Serves one call; never throws, never leaves the stream open. */
export async function serveCall(stream: ByteStream, peer: Peer, dispatcher: Dispatcher): Promise<void> {
  const startedMs = dispatcher.now();
  const reply = new ReplyWriter(stream);
  const abort = new AbortController();
  let method: Method | undefined;
  let requestId: Uint8Array = new Uint8Array(0);
  let failure: QightError | null = null;
  // Until the header is read every call has the ordinary deadline: a silent stream is a slow one.
  let running: RunningCall = watchDeadline(peer, startedMs + dispatcher.requestTimeoutMs(), stream, abort);
  try {
    const frames = new FrameReader(() => stream.read());
    const headerBytes = await frames.next(MAX_HEADER);
    if (headerBytes === null) return stream.reset();
    const header = decode(() => fromBinary(CallHeaderSchema, headerBytes, { readUnknownFields: false }));
    requestId = header.requestId;
    method = methods.get(header.method);
    if (!method) throw new QightError("unknown_method", `The relay does not know call ${header.method}`);
    const handler = dispatcher.handlers.get(method.number);
    if (!handler) throw new QightError("unknown_method", `The relay does not serve ${method.name}`);
    authorize(method, peer);
    if (method.waits) {
      peer.calls.delete(running);
      running = watchDeadline(peer, Infinity, stream, abort);
    } else if (header.timeoutMs > 0 && header.timeoutMs < dispatcher.requestTimeoutMs()) {
      peer.calls.delete(running);
      running = watchDeadline(peer, startedMs + header.timeoutMs, stream, abort);
    }
    // An envelope above the relay's own limit but within the protocol's is refused alone, not with its whole pipeline.
    const limit = (method.maxRequest || MAX_ENVELOPE_BYTES) + PART_OVERHEAD;
    const requests = new RequestReader(frames, limit, peer, (error) => abort.abort(error));
    try {
      await handler({ peer, method, signal: abort.signal, requests, reply });
    } finally {
      requests.release();
    }
    await reply.finish();
    requests.close(stream);
  } catch (thrown) {
    failure = asQightError(abort.signal.aborted ? abort.signal.reason : thrown);
    await fail(reply, stream, failure, requestId);
  } finally {
    peer.calls.delete(running);
    abort.abort(new QightError("unreachable", "The call is over"));
    if (method) dispatcher.observer.finished(method, hexId(requestId), startedMs, failure);
  }
}

/** Ends calls whose deadline has passed; one sweep for all is cheaper than a timer for each. */
export function sweepDeadlines(peers: Iterable<Peer>, nowMs: number): void {
  for (const peer of peers) {
    for (const call of peer.calls) {
      if (call.deadlineMs <= nowMs) {
        peer.calls.delete(call);
        call.abandon(new QightError("timeout", "The relay stopped waiting for this call"));
      }
    }
  }
}

function watchDeadline(peer: Peer, deadlineMs: number, stream: ByteStream, abort: AbortController): RunningCall {
  const call: RunningCall = {
    deadlineMs,
    abandon(error) {
      abort.abort(error);
      stream.reset(errorTable[error.code].number);
    },
  };
  peer.calls.add(call);
  return call;
}

async function fail(reply: ReplyWriter, stream: ByteStream, error: QightError, requestId: Uint8Array): Promise<void> {
  // An unexpected error's own words may hold paths or values; people get the table's sentence, the log the rest.
  const message = error.code === "internal" ? errorTable.internal.sentence : error.message;
  try {
    await reply.fail({
      number: errorTable[error.code].number,
      message,
      retryAfterMs: error.retryAfterMs ?? 0,
      requestId,
    });
  } catch (thrown) {
    // The caller is gone: nobody is left to tell.
    if (!(thrown instanceof QightError)) throw thrown;
  }
  // The failure stays readable; what the caller still sends is not read, and the stream's credit comes back.
  stream.reset(errorTable[error.code].number);
}

/** Reads the request messages of one call, holding the connection's byte budget while they are worked on. */
export class RequestReader {
  #frames: FrameReader;
  #limit: number;
  #peer: Peer;
  #abandoned: (error: QightError) => void;
  #held = 0;
  #watching = false;

  constructor(frames: FrameReader, limit: number, peer: Peer, abandoned: (error: QightError) => void) {
    this.#frames = frames;
    this.#limit = limit;
    this.#peer = peer;
    this.#abandoned = abandoned;
  }

  /** The next message's bytes, or null after the explicit end; throws `bad_frame` when the stream just stops. */
  async next(): Promise<Uint8Array | null> {
    const frame = await this.#frames.next(this.#limit);
    if (frame === null) throw new QightError("bad_frame", "The call ended without its end frame");
    const part = decode(() => fromBinary(PartSchema, frame, { readUnknownFields: false }));
    switch (part.kind.case) {
      case "message":
        this.#hold(frame.length);
        return part.kind.value;
      case "end":
        return null;
      default:
        throw new QightError("bad_frame", "A request frame holds neither a message nor an end");
    }
  }

  /** The one message of a unary call, decoded by `schema`; throws `bad_frame` when it is missing or malformed. */
  async only<Desc extends DescMessage>(schema: Desc): Promise<MessageShape<Desc>> {
    const bytes = await this.next();
    if (bytes === null) throw new QightError("bad_frame", "The call holds no message");
    return decode(() => fromBinary(schema, bytes, { readUnknownFields: false }));
  }

  /** Reads the end of the caller's side, without which the stream's credit never comes back; more than that is cut off. */
  close(stream: ByteStream): void {
    if (this.#watching) return;
    this.#frames.next(0).then((extra) => extra === null || stream.reset(), () => stream.reset());
  }

  /** For calls that wait after their one request: notices when the caller resets the stream meanwhile. */
  watchForReset(): void {
    this.#watching = true;
    this.#frames.next(0).then(
      (extra) => extra && this.#abandoned(new QightError("bad_frame", "A frame came after the only message")),
      (thrown) => this.#abandoned(asQightError(thrown, "unreachable")),
    );
  }

  /** Gives bytes back when a message of a long stream has been answered. */
  done(bytes: number): void {
    const returned = Math.min(bytes, this.#held);
    this.#held -= returned;
    this.#peer.bytesInFlight -= returned;
  }

  /** Gives back whatever is still held. */
  release(): void {
    this.done(this.#held);
  }

  #hold(bytes: number): void {
    if (this.#peer.bytesInFlight + bytes > MAX_BYTES_IN_FLIGHT) {
      throw new QightError("busy", "This connection has too many bytes under way", { retryAfterMs: 100 });
    }
    this.#held += bytes;
    this.#peer.bytesInFlight += bytes;
  }
}

/** Runs a decoder and turns whatever it throws into `bad_frame`. */
export function decode<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof QightError) throw cause;
    throw new QightError("bad_frame", "A frame does not decode", { cause });
  }
}

function hexId(id: Uint8Array): string {
  let text = "";
  for (const byte of id.subarray(0, 16)) text += byte.toString(16).padStart(2, "0");
  return text;
}
