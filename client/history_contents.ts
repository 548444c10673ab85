/**
 * From what travels to what is kept: words, files and wishes of a content as the history holds them.
 * @module
 */
import { toBinary } from "@bufbuild/protobuf";
import { BlobRefSchema, type Content } from "../proto/gen/qight/v1/seal_pb.ts";
import type { HistoryAttachment, HistoryLine } from "./storage/store.ts";

/** The words of a content, what it answers, and how long it stays. */
export function keptContent(content: Content): Pick<HistoryLine, "text" | "replyTo" | "disappearS"> {
  const { body, replyTo, disappearAfterS } = content;
  return {
    text: body.case === "text" ? body.value : "",
    replyTo: replyTo.length > 0 ? replyTo : null,
    disappearS: disappearAfterS,
  };
}

/** Whether a content is a line of a conversation: it has a body or files, is no action on other lines, and not for the own devices. */
export function isLine({ body, files, action, sync }: Content): boolean {
  return action.case === undefined && sync === undefined && (body.case !== undefined || files.length > 0);
}

/** Its files; with `keep` the bytes that came along, with `keepRefs` the way to those at the relay. Bytes that are no text are a file too: a screen cannot show them. */
export function attachmentsOf({ body, files }: Content, keep: boolean, keepRefs = keep): HistoryAttachment[] {
  const all = files.map(({ name, data, blob }): HistoryAttachment =>
    blob
      ? { name, size: Number(blob.size), data: null, blob: keepRefs ? toBinary(BlobRefSchema, blob) : null }
      : attachment(name, data, keep)
  );
  if (body.case === "data") all.unshift(attachment("message.bin", body.value, keep));
  return all;
}

function attachment(name: string, data: Uint8Array, keep: boolean): HistoryAttachment {
  return { name, size: data.length, data: keep ? data : null };
}
