/** Keeps the own devices in step over a command's session, and says what history came. @module */
import type { Connected } from "../client/participant.ts";
import type { ArrivedMove } from "../client/storage/store.ts";
import type { Messenger } from "./messenger.ts";
import type { Output } from "./output.ts";
import { startProgress } from "./progress.ts";

/** Tells the own other devices what changed here and imports what they sent, with a bar where that takes a while. */
export async function keepInStep(
  messenger: Messenger,
  room: Connected,
  { out, signal }: { out: Output; signal: AbortSignal },
): Promise<void> {
  using bar = startProgress(out, "history", "lines");
  const onProgress = (done: number, all: number) => bar.update(done, all);
  const ended = await messenger.keepInStep(room, { histories: true, onProgress, signal });
  for (const move of ended) out.note(movedText(move));
}

/** One line about a history that came. */
export function movedText({ lines, added, lost, parts }: ArrivedMove): string {
  const known = lines - added;
  const rest = lost > 0
    ? `; ${lost} of its ${parts} parts could not be taken in`
    : known > 0
    ? `; the other ${known} were here already, or are gone meanwhile`
    : "";
  return `history: ${added} of ${lines} lines came from another device of yours${rest}. Files can be fetched as long as ` +
    "the relay has them";
}
