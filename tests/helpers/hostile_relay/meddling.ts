/**
 * Frames of one call on their way through a hostile relay, and the place where they are changed.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ByteStream } from "../../../net/connection.ts";
import { encodeFrames } from "../../../proto/frame.ts";
import { PartSchema } from "../../../proto/gen/qight/v1/frame_pb.ts";

/** Turns one message into what goes on instead of it; null stands for the explicit end, before which more may be said. */
export type Meddle = (message: Uint8Array | null) => Uint8Array[];

/** Changes the messages of one call. */
export interface Meddler {
  readonly request?: Meddle;
  readonly reply?: Meddle;
}

/** Passes frames on until the stream ends; without `meddle` they go on byte for byte. */
export async function forward(
  next: () => Promise<Uint8Array | null>,
  to: ByteStream,
  meddle: Meddle | undefined,
): Promise<void> {
  for (let frame; (frame = await next()) !== null;) {
    const onward = meddle ? meddled(frame, meddle) : [frame];
    if (onward.length > 0) await to.write(encodeFrames(...onward));
  }
  await to.end();
}

function meddled(frame: Uint8Array, meddle: Meddle): Uint8Array[] {
  const { kind } = fromBinary(PartSchema, frame);
  switch (kind.case) {
    case "message":
      return meddle(kind.value).map(messagePart);
    case "end":
      return [...meddle(null).map(messagePart), frame];
    default:
      return [frame]; // a failure of the real relay
  }
}

function messagePart(value: Uint8Array): Uint8Array {
  return toBinary(PartSchema, create(PartSchema, { kind: { case: "message", value } }));
}
