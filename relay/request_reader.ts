/**
 * Reads the request messages of one call within the limits of its method and its connection.
 * @module
 */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import type { ByteStream } from "../net/connection.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import type { FrameReader } from "../proto/frame.ts";
import { PartSchema } from "../proto/gen/qight/v1/frame_pb.ts";
import { loneBytes } from "../proto/lone_field.ts";
import { checkFieldCount } from "./field_count.ts";
import type { Peer } from "./peer.ts";

/** Requests that one connection may have under way, in bytes (docs/protocol.md: 4 MiB per connection). */
const MAX_BYTES_IN_FLIGHT = 4 * 1024 * 1024;

/** A Part that holds an end alone has two bytes. */
const MAX_END_FRAME = 16;

/** Reads the request messages of one call, holding the connection's byte budget while they are worked on. */
export class RequestReader {
  #frames: FrameReader;
  #limit: number;
  #peer: Peer;
  #abandoned: (error: QightError) => void;
  #held = 0;
  #watching = false;
  #ended = false;

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
    return this.#messageIn(frame);
  }

  /** Messages that have arrived, one at least and `most` at most; null after the explicit end. */
  async some(most: number): Promise<Uint8Array[] | null> {
    const messages: Uint8Array[] = [];
    let message = this.#ended ? null : await this.next();
    while (message !== null) {
      messages.push(message);
      const frame = messages.length < most ? this.#frames.arrived(this.#limit) : null;
      message = frame && this.#messageIn(frame);
    }
    return messages.length > 0 ? messages : null;
  }

  /** The one message of a unary call, decoded by `schema`; throws `bad_frame` when it is missing or malformed. */
  async only<Desc extends DescMessage>(schema: Desc): Promise<MessageShape<Desc>> {
    const bytes = await this.next();
    if (bytes === null) throw new QightError("bad_frame", "The call holds no message");
    return decode(() => {
      checkFieldCount(schema, bytes);
      return fromBinary(schema, bytes, { readUnknownFields: false });
    });
  }

  /** Reads the end of the caller's side, without which the stream's credit never comes back; more than that is cut off. */
  close(stream: ByteStream): void {
    if (this.#watching) return;
    this.#frames.next(0).then((extra) => extra === null || stream.reset(), () => stream.reset());
  }

  /** For calls that wait after their one request: notices when the caller resets the stream meanwhile. */
  watchForReset(): void {
    this.#watching = true;
    this.#frames.next(MAX_END_FRAME).then(
      (extra) => extra && this.#abandoned(this.#whyItEnds(extra)),
      (thrown) => this.#abandoned(asQightError(thrown, "unreachable")),
    );
  }

  #whyItEnds(frame: Uint8Array): QightError {
    try {
      if (this.#messageIn(frame) === null) return new QightError("unreachable", "The caller left");
    } catch (thrown) {
      return asQightError(thrown);
    }
    return new QightError("bad_frame", "A message came after the only one");
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

  #messageIn(frame: Uint8Array): Uint8Array | null {
    const lone = loneBytes(frame);
    if (lone !== null) {
      this.#hold(lone.length);
      return lone;
    }
    const part = decode(() => fromBinary(PartSchema, frame, { readUnknownFields: false }));
    switch (part.kind.case) {
      case "message":
        this.#hold(part.kind.value.length);
        return part.kind.value;
      case "end":
        this.#ended = true;
        return null;
      default:
        throw new QightError("bad_frame", "A request frame holds neither a message nor an end");
    }
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
