/**
 * Writes the reply frames of one call. Replies that are ready while a write is under way go out together in the next.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import type { ByteStream } from "../net/connection.ts";
import { errorTable, type QightError } from "../proto/errors.ts";
import { encodeFrames } from "../proto/frame.ts";
import { type Failure, FailureSchema, PartSchema } from "../proto/gen/qight/v1/frame_pb.ts";

/** An error as it goes over the wire; an unexpected one's own words may hold paths or values, so they stay here. */
export function wireFailure(error: QightError, requestId: Uint8Array = NO_ID): Failure {
  return create(FailureSchema, {
    number: errorTable[error.code].number,
    message: error.code === "internal" ? errorTable.internal.sentence : error.message,
    retryAfterMs: error.retryAfterMs ?? 0,
    requestId,
    epoch: BigInt(error.epoch ?? 0),
  });
}

const NO_ID: Uint8Array = new Uint8Array(0);

const END_PART = toBinary(PartSchema, create(PartSchema, { kind: { case: "end", value: {} } }));

/** Reply side of one call's stream. */
export class ReplyWriter {
  #stream: ByteStream;
  #pending: Uint8Array[] = [];
  #writing: Promise<void> | null = null;
  #broken: unknown = null;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** Queues messages; the promise resolves when everything queued so far is handed to the transport. */
  send(...messages: Uint8Array[]): Promise<void> {
    return this.#push(...messages.map(encodeMessagePart));
  }

  /** Queues the explicit end of a stream of replies. */
  end(): Promise<void> {
    return this.#push(END_PART);
  }

  /** Sends a failure as the last frame. */
  async fail(failure: Failure): Promise<void> {
    const kind = { case: "failure" as const, value: failure };
    await this.#push(toBinary(PartSchema, create(PartSchema, { kind })));
    await this.#stream.end();
  }

  /** Waits for what is queued and ends our side of the stream. */
  async finish(): Promise<void> {
    while (this.#writing) await this.#writing;
    if (this.#broken) throw this.#broken;
    await this.#stream.end();
  }

  #push(...parts: Uint8Array[]): Promise<void> {
    if (this.#broken) return Promise.reject(this.#broken);
    this.#pending.push(...parts);
    if (!this.#writing) {
      this.#writing = this.#flush();
      // A caller may queue without waiting; the next one to wait, or `finish`, hears of the failure.
      this.#writing.catch((thrown) => this.#broken = thrown);
    }
    return this.#writing;
  }

  async #flush(): Promise<void> {
    try {
      // One turn of the event loop's microtasks lets replies of the same commit gather.
      await null;
      while (this.#pending.length > 0) {
        const parts = this.#pending;
        this.#pending = [];
        await this.#stream.write(encodeFrames(...parts));
      }
    } finally {
      this.#writing = null;
    }
  }
}

/** Part{message} by hand: tag 0x0a, varint length, bytes; the hot path of every reply. Locked by a test. */
export function encodeMessagePart(message: Uint8Array): Uint8Array {
  const prefix = [0x0a];
  let rest = message.length;
  while (rest > 0x7f) {
    prefix.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  prefix.push(rest);
  const part = new Uint8Array(prefix.length + message.length);
  part.set(prefix);
  part.set(message, prefix.length);
  return part;
}
