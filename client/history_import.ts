/**
 * Brings lines of before into the history: those that are there stay, the others go in front of all.
 * @module
 */
import { CONVERSATION_LIMITS } from "./history.ts";
import type { ClientStore, HistoryLine, HistoryMark, HistoryReaction, Tables } from "./storage/store.ts";

/** A line with what became of it, without its files' bytes. */
export interface ImportedLine extends HistoryLine {
  /** `blob`: serialized BlobRef of one that may still wait at the relay. */
  readonly files: readonly { readonly name: string; readonly size: number; readonly blob?: Uint8Array | null }[];
  readonly reactions: readonly HistoryReaction[];
  readonly marks: readonly HistoryMark[];
  readonly edited: boolean;
  readonly deleted: boolean;
}

/** Adds lines, oldest first, in one transaction; answers how many were not there. */
export async function importLines(store: ClientStore, lines: readonly ImportedLine[]): Promise<number> {
  return await store.write((tables) => {
    const first = tables.historyMarks.first() - lines.length;
    return importAt(tables, lines.map((line, at) => ({ line, place: first + at })));
  });
}

/** Inside a transaction: adds lines at places that nothing has; answers how many were not there. */
export function importAt(
  { history, historyMarks }: Tables,
  lines: readonly { readonly line: ImportedLine; readonly place: number }[],
): number {
  let added = 0;
  for (const { line, place } of lines) {
    const files = line.files.map(({ name, size, blob = null }) => ({ name, size, data: null, blob }));
    if (!history.add(line, files, line.atMs, place)) continue;
    added++;
    if (line.edited) historyMarks.edit(place, line.text);
    if (line.deleted) historyMarks.erase(place);
    for (const { author, emoji } of line.reactions) historyMarks.react(place, author, emoji);
    for (const { account, state } of line.marks) historyMarks.mark(place, account, state);
  }
  const names = new Set(lines.map(({ line }) => line.conversation));
  for (const name of names) history.trim(name, CONVERSATION_LIMITS);
  return added;
}
