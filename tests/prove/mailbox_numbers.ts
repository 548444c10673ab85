/**
 * The numbers of each mailbox, as senders and readers were told them: every one from 1 to the highest shown names one
 * message, and no number names two.
 * @module
 */
import type { Entry } from "./ledger.ts";

/** Numbers that never came, and numbers that name two messages. */
export interface NumberComplaints {
  readonly missing: string[];
  readonly reused: string[];
}

/** Compares the numbers of `ack` and `shown`; entries without number or mailbox say nothing. */
export function checkNumbers(entries: readonly Entry[]): NumberComplaints {
  const mailboxes = new Map<string, Map<number, string>>();
  const highest = new Map<string, number>();
  const shown = new Map<string, Set<number>>();
  const reused: string[] = [];
  for (const { kind, reader, seq, text } of entries) {
    if (kind !== "ack" && kind !== "shown" || reader === undefined || seq === undefined) continue;
    const names = ofMailbox(mailboxes, reader, () => new Map<number, string>());
    const other = names.get(seq);
    if (other === undefined) names.set(seq, text);
    else if (other !== text) reused.push(`${reader}: seq ${seq} is ${other} and ${text}`);
    if (kind !== "shown") continue;
    ofMailbox(shown, reader, () => new Set<number>()).add(seq);
    highest.set(reader, Math.max(highest.get(reader) ?? 0, seq));
  }
  const missing: string[] = [];
  for (const [reader, last] of highest) {
    // The size is bounded by what was shown, not by a number that somebody made up.
    const seen = [...shown.get(reader)!].sort((a, b) => a - b);
    let next = 1;
    for (const seq of seen) {
      if (seq > next) missing.push(`${reader}: ${next === seq - 1 ? next : `${next} to ${seq - 1}`} of ${last}`);
      next = seq + 1;
    }
  }
  return { missing, reused };
}

function ofMailbox<T>(all: Map<string, T>, reader: string, make: () => T): T {
  let one = all.get(reader);
  if (one === undefined) all.set(reader, one = make());
  return one;
}
