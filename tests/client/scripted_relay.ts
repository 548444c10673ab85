/** A peer that answers calls as a test says: the relay of the client's tests. @module */
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { memoryPair } from "../../net/memory.ts";
import type { ByteStream, Connection } from "../../net/connection.ts";
import { errorTable, QightError } from "../../proto/errors.ts";
import { encodeFrames, FrameReader } from "../../proto/frame.ts";
import { type CallHeader, CallHeaderSchema, FailureSchema, PartSchema } from "../../proto/gen/qight/v1/frame_pb.ts";
import { methods } from "../../proto/methods.ts";

const LIMIT = 16 * 1024 * 1024;

/** One call as the script sees it. */
export class ScriptedCall {
  readonly #frames: FrameReader;

  constructor(readonly stream: ByteStream, readonly header: CallHeader, frames: FrameReader) {
    this.#frames = frames;
  }

  /** The next request, or null after the explicit end. */
  async next<S extends DescMessage>(schema: S): Promise<MessageShape<S> | null> {
    const frame = await this.#frames.next(LIMIT);
    if (frame === null) throw new Error("the client broke off without its end frame");
    const { kind } = fromBinary(PartSchema, frame);
    if (kind.case === "end") return null;
    if (kind.case !== "message") throw new Error("a request is neither a message nor an end");
    return fromBinary(schema, kind.value);
  }

  async reply<S extends DescMessage>(schema: S, message: MessageInitShape<S>): Promise<void> {
    await this.replyBytes(toBinary(schema, create(schema, message)));
  }

  async replyBytes(value: Uint8Array): Promise<void> {
    await this.#part({ case: "message", value });
  }

  /** The explicit end, and the end of the stream. */
  async end(): Promise<void> {
    await this.#part({ case: "end", value: {} });
    await this.stream.end();
  }

  async fail(error: QightError): Promise<void> {
    const { retryAfterMs = 0, message } = error;
    const number = errorTable[error.code].number;
    const value = create(FailureSchema, { number, message, retryAfterMs, requestId: this.header.requestId });
    await this.#part({ case: "failure", value });
    await this.stream.end();
  }

  async #part(kind: MessageInitShape<typeof PartSchema>["kind"]): Promise<void> {
    await this.stream.write(encodeFrames(toBinary(PartSchema, create(PartSchema, { kind }))));
  }
}

/** Answers by method name; what throws a QightError is answered with its Failure. */
export type Script = Record<string, (call: ScriptedCall, connection: Connection) => Promise<void>>;

/** Serves calls on one end of a memory connection until it is over. */
export async function serve(connection: Connection, script: Script): Promise<void> {
  for await (const stream of connection.incoming) {
    serveCall(stream, connection, script).catch(() => stream.reset());
  }
}

async function serveCall(stream: ByteStream, connection: Connection, script: Script): Promise<void> {
  const frames = new FrameReader(() => stream.read());
  const call = new ScriptedCall(stream, fromBinary(CallHeaderSchema, (await frames.next(LIMIT))!), frames);
  const name = methods.get(call.header.method)!.name;
  try {
    if (!script[name]) throw new QightError("unknown_method");
    await script[name](call, connection);
  } catch (thrown) {
    if (!(thrown instanceof QightError)) throw thrown;
    await call.fail(thrown);
  }
}

/** A connection whose other end follows the script. */
export function scripted(script: Script): { connection: Connection; peer: Connection } {
  const [connection, peer] = memoryPair();
  void serve(peer, script);
  return { connection, peer };
}
