/** A file of the history as JSON. @module */
import { fromBinary } from "@bufbuild/protobuf";
import type { HistoryFile } from "../client/history.ts";
import { BlobRefSchema } from "../proto/gen/qight/v1/seal_pb.ts";

/** Fields are only ever added; `sha256` of files at the relay, whose bytes are not here to be hashed. */
export function fileFields({ number, name, size, blob }: HistoryFile): Record<string, unknown> {
  const sha256 = blob && fromBinary(BlobRefSchema, blob).fileSha256.toHex();
  return { number, name, size, at: blob ? "relay" : "here", ...(sha256 ? { sha256 } : {}) };
}
