/**
 * Ledgers with one lie each, to show that the checker sees it.
 * @module
 */
import type { Entry } from "./ledger.ts";

/** What two senders and one reader write when all goes well: `count` messages of each sender. */
export function honestLedger(count: number): Entry[] {
  const entries: Entry[] = [];
  for (const sender of ["s1", "s2"]) {
    for (let n = 0; n < count; n++) {
      const text = `${sender}-${n}`;
      entries.push({ kind: "intent", text, sender, n });
      entries.push({ kind: "ack", text, sender, n, id: `id-${text}` });
    }
  }
  for (let n = 0, seq = 1; n < count; n++) {
    for (const sender of ["s1", "s2"]) {
      entries.push({ kind: "shown", text: `${sender}-${n}`, id: `id-${sender}-${n}`, reader: "r", seq: seq++ });
    }
  }
  return entries;
}

/** A lie, and where the checker must report it. */
export interface Doctoring {
  readonly name: string;
  readonly caught: "lost" | "doubled" | "altered" | "reordered";
  doctor(entries: Entry[]): Entry[];
}

/** One row per kind of broken promise. */
export const doctorings: readonly Doctoring[] = [
  {
    name: "an acknowledged message was never shown",
    caught: "lost",
    doctor: (entries) => without(entries, lastShown(entries)),
  },
  {
    name: "a message was shown twice",
    caught: "doubled",
    doctor: (entries) => [...entries, entries[lastShown(entries)]],
  },
  {
    name: "a message was stored under two sequence numbers",
    caught: "doubled",
    doctor: (entries) => [...entries, { ...entries[lastShown(entries)], seq: 9999, redelivered: true }],
  },
  {
    name: "two messages of one sender changed places",
    caught: "reordered",
    doctor: (entries) => {
      const last = lastShown(entries);
      const swapped = [...entries];
      [swapped[last], swapped[last - 2]] = [swapped[last - 2], swapped[last]];
      return swapped;
    },
  },
  {
    name: "sequence numbers ran backwards",
    caught: "reordered",
    doctor: (entries) => replaced(entries, lastShown(entries), { seq: 1 }),
  },
  {
    name: "one byte of a text was changed",
    caught: "altered",
    doctor: (entries) => replaced(entries, lastShown(entries), { text: "s2-49x" }),
  },
  {
    name: "an acknowledged id carries the text of another message",
    caught: "altered",
    doctor: (entries) => replaced(entries, lastShown(entries), { id: "id-s1-0" }),
  },
];

function lastShown(entries: readonly Entry[]): number {
  return entries.findLastIndex((entry) => entry.kind === "shown");
}

function without(entries: readonly Entry[], index: number): Entry[] {
  return entries.filter((_, at) => at !== index);
}

function replaced(entries: readonly Entry[], index: number, change: Partial<Entry>): Entry[] {
  return entries.map((entry, at) => at === index ? { ...entry, ...change } : entry);
}
