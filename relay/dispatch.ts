/**
 * Reads one call from one stream, finds its handler in the table, and writes the reply.
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import { MAX_ENVELOPE_BYTES } from "../crypto/envelope.ts";
import type { ByteStream } from "../net/connection.ts";
import { asQightError, errorTable, QightError } from "../proto/errors.ts";
import { FrameReader } from "../proto/frame.ts";
import { CallHeaderSchema } from "../proto/gen/qight/v1/frame_pb.ts";
import { type Method, methods } from "../proto/methods.ts";
import { authorize, type Observer } from "./middleware.ts";
import type { Peer } from "./peer.ts";
import { ReplyWriter, wireFailure } from "./reply_writer.ts";
import { decode, RequestReader } from "./request_reader.ts";
import { ServedCall } from "./served_call.ts";

/** Largest CallHeader frame in bytes: three small fields. */
const MAX_HEADER = 64;
/** A Part and a SendRequest each add a tag and a length to the message. */
const PART_OVERHEAD = 16;
const NO_ID: Uint8Array = new Uint8Array(0);

/** What a handler may ask about the call it serves. */
export interface CallContext {
  readonly peer: Peer;
  /** Its signal aborts when the caller is gone, the deadline passed, or the relay stops. */
  readonly served: ServedCall;
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
  /** Largest request that carries MLS objects, in bytes. */
  readonly maxMls: () => number;
  readonly now: () => number;
}

/** Serves one call; never throws, never leaves the stream open. */
export async function serveCall(stream: ByteStream, peer: Peer, dispatcher: Dispatcher): Promise<void> {
  const startedMs = dispatcher.now();
  const timeoutMs = dispatcher.requestTimeoutMs();
  // Until the header is read every call has the ordinary deadline: a silent stream is a slow one.
  const served = new ServedCall(peer, stream, startedMs + timeoutMs);
  const reply = new ReplyWriter(stream);
  let method: Method | undefined;
  let requestId = NO_ID;
  let failure: QightError | null = null;
  try {
    const frames = new FrameReader(() => stream.read());
    const headerBytes = await frames.next(MAX_HEADER);
    if (headerBytes === null) return stream.reset();
    const header = decode(() => fromBinary(CallHeaderSchema, headerBytes, { readUnknownFields: false }));
    requestId = header.requestId;
    method = methods.get(header.method);
    const handler = method && dispatcher.handlers.get(method.number);
    if (!method || !handler) throw new QightError("unknown_method", `The relay does not know call ${header.method}`);
    authorize(method, peer);
    if (method.waits) served.deadlineMs = Infinity;
    else if (header.timeoutMs > 0 && header.timeoutMs < timeoutMs) served.deadlineMs = startedMs + header.timeoutMs;
    const limit = requestLimit(method, dispatcher) + PART_OVERHEAD;
    const requests = new RequestReader(frames, limit, peer, (error) => served.abandon(error));
    try {
      await handler({ peer, served, requests, reply });
    } finally {
      requests.release();
    }
    await reply.finish();
    requests.close(stream);
  } catch (thrown) {
    failure = served.reason ?? asQightError(thrown);
    await fail(reply, stream, failure, requestId);
  } finally {
    served.finished();
    if (method) dispatcher.observer.finished(method, requestId, startedMs, failure);
  }
}

function requestLimit(method: Method, dispatcher: Dispatcher): number {
  if (method.mls) return dispatcher.maxMls();
  // An envelope above the relay's own limit but within the protocol's is refused alone, not with its whole pipeline.
  return method.maxRequest || MAX_ENVELOPE_BYTES;
}

async function fail(reply: ReplyWriter, stream: ByteStream, error: QightError, requestId: Uint8Array): Promise<void> {
  try {
    await reply.fail(wireFailure(error, requestId));
  } catch {
    // The caller is gone: nobody is left to tell, and the call's own failure is what counts.
  }
  // The failure stays readable; what the caller still sends is not read, and the stream's credit comes back.
  stream.reset(errorTable[error.code].number);
}
