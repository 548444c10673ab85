/**
 * What a program sends: text, bytes and files.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { QightError } from "../proto/errors.ts";
import { type Content, ContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import { parseMessageId } from "./message_id.ts";

/** A file that goes with a message. */
export interface OutgoingFile {
  /** What it is called at the other side; a name, not a path. */
  readonly name: string;
  readonly data: Uint8Array;
}

/** A message with more than text; text and data exclude each other. */
export interface Outgoing {
  readonly text?: string;
  readonly data?: Uint8Array;
  readonly files?: readonly OutgoingFile[];
  /** Id of the message that this one answers, 32 hex digits. */
  readonly replyTo?: string;
}

/** The content of a message; `empty_message` for nothing at all, `usage` for text and data at once. */
export function outgoingContent(what: string | Outgoing, disappearAfterS: number): Content {
  const { text, data, files = [], replyTo }: Outgoing = typeof what === "string" ? { text: what } : what;
  if (text !== undefined && data !== undefined) {
    throw new QightError("usage", "A message has text or data, not both", { hint: "Send the bytes as a file." });
  }
  if (!text && !data?.length && files.length === 0) throw new QightError("empty_message");
  return create(ContentSchema, {
    body: data === undefined ? { case: "text", value: text ?? "" } : { case: "data", value: data },
    files: files.map(({ name, data }) => ({ name, data })),
    replyTo: replyTo === undefined ? new Uint8Array(0) : parseMessageId(replyTo),
    disappearAfterS,
  });
}
