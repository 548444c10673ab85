/**
 * Brings lines of before into the history: those that are there stay, the others go in front of all.
 * @module
 */
import { CONVERSATION_LIMITS } from "./history.ts";
import type { ClientStore, HistoryLine, HistoryMark, HistoryReaction } from "./storage/store.ts";

/** A line with what became of it, without its files' bytes. */
export interface ImportedLine extends HistoryLine {
  readonly files: readonly { readonly name: string; readonly size: number }[];
  readonly reactions: readonly HistoryReaction[];
  readonly marks: readonly HistoryMark[];
  readonly edited: boolean;
  readonly deleted: boolean;
}

/** Adds lines, oldest first, in one transaction; answers how many were not there. */
export async function importLines(store: ClientStore, lines: readonly ImportedLine[]): Promise<number> {
  return await store.write(({ history, historyMarks }) => {
    let place = historyMarks.first() - lines.length;
    let added = 0;
    for (const line of lines) {
      const files = line.files.map(({ name, size }) => ({ name, size, data: null }));
      const at = place++;
      if (!history.add(line, files, line.atMs, at)) continue;
      added++;
      if (line.edited) historyMarks.edit(at, line.text);
      if (line.deleted) historyMarks.erase(at);
      for (const { author, emoji } of line.reactions) historyMarks.react(at, author, emoji);
      for (const { account, state } of line.marks) historyMarks.mark(at, account, state);
    }
    for (const name of new Set(lines.map(({ conversation }) => conversation))) history.trim(name, CONVERSATION_LIMITS);
    return added;
  });
}
