/**
 * Ledgers with one lie each, to show that the checker sees it.
 * @module
 */
import type { Complaints } from "./checker.ts";
import type { Entry } from "./ledger.ts";

/** What two senders and one reader write when all goes well: `count` messages of each sender. */
export function honestLedger(count: number): Entry[] {
  const entries: Entry[] = [];
  for (const [place, sender] of ["s1", "s2"].entries()) {
    for (let n = 0; n < count; n++) {
      const text = `${sender}-${n}`;
      entries.push({ kind: "intent", text, sender, n });
      entries.push({ kind: "ack", text, sender, n, id: `id-${text}`, reader: "r", seq: 2 * n + place + 1 });
    }
  }
  for (let n = 0, seq = 1; n < count; n++) {
    for (const sender of ["s1", "s2"]) {
      const message = { text: `${sender}-${n}`, id: `id-${sender}-${n}`, reader: "r", seq: seq++ };
      entries.push({ kind: "shown", ...message }, { kind: "taken", ...message });
    }
  }
  return entries;
}

/** A lie, and where the checker must report it. */
export interface Doctoring {
  readonly name: string;
  readonly caught: keyof Complaints;
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
      [swapped[last], swapped[last - 4]] = [swapped[last - 4], swapped[last]]; // s2, taken, s1, taken, s2
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
  {
    name: "a message that nobody sent appeared",
    caught: "unsent",
    doctor: (entries) => [...entries, { kind: "shown", text: "surprise", id: "id-surprise", reader: "r", seq: 101 }],
  },
  {
    name: "a message was acknowledged under one number and shown under another",
    caught: "doubled",
    doctor: (entries) => replaced(entries, entries.findLastIndex(({ kind }) => kind === "ack"), { seq: 101 }),
  },
  {
    name: "a number in the middle of the mailbox never came",
    caught: "missing",
    doctor: (entries) => entries.filter(({ seq }) => seq !== 50),
  },
  {
    name: "the first number of the mailbox never came",
    caught: "missing",
    doctor: (entries) => entries.filter(({ seq }) => seq !== 1),
  },
  {
    name: "two messages were shown under one number",
    caught: "reused",
    doctor: (entries) => replaced(entries, lastShown(entries), { seq: 99 }),
  },
  {
    name: "two messages were acknowledged under one number",
    caught: "reused",
    doctor: (entries) => replaced(entries, entries.findLastIndex(({ kind }) => kind === "ack"), { seq: 98 }),
  },
  {
    name: "a message came back after its acknowledgement was confirmed",
    caught: "returned",
    doctor: (entries) => [...entries, { ...entries[lastShown(entries)], redelivered: true }],
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
