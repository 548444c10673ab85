/**
 * How a history is cut into parts, before the first one goes: numbers stay the same when a killed run goes on.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { MovePart } from "../storage/store.ts";
import { MAX_PART_LINES, MAX_PARTS } from "./part.ts";

/** A part is closed at this size: far below its limit, because lines may still be given other words; bytes. */
const AIM_BYTES = 1024 * 1024;

/** Consecutive stretches of lines. `message_too_large` when the history has more parts than any device takes. */
export function planParts(lines: readonly { readonly place: number; readonly bytes: number }[]): MovePart[] {
  const parts: MovePart[] = [];
  let from = 0, bytes = 0;
  const close = (to: number) => {
    const [firstPlace, lastPlace] = [lines[from].place, lines[to - 1].place];
    parts.push({ part: parts.length + 1, firstPlace, lastPlace, linesBefore: from, sent: false });
    [from, bytes] = [to, 0];
  };
  lines.forEach((line, at) => {
    if (at > from && (bytes + line.bytes > AIM_BYTES || at - from === MAX_PART_LINES)) close(at);
    bytes += line.bytes;
  });
  if (lines.length > from) close(lines.length);
  if (parts.length > MAX_PARTS) {
    throw new QightError("message_too_large", `The history has ${parts.length} parts; ${MAX_PARTS} can be moved`);
  }
  return parts;
}
