/**
 * The ledgers of a group: what one member sends, each other member must show, so every reader is compared by itself.
 * @module
 */
import { checkLedgers, complaintKinds, type Complaints } from "../checker.ts";
import type { Entry } from "../ledger.ts";

/** What all readers' ledgers show together. */
export interface FanOut {
  readonly sent: number;
  /** Lines that readers showed, each reader's counted. */
  readonly shown: number;
  /** Shown again and marked so. */
  readonly redelivered: number;
  readonly complaints: readonly string[];
}

/**
 * Compares each reader's `shown` with what all others sent. Numbers of mailboxes are not compared: notices take some.
 * @param readers members from the first message to the last
 * @param guests who came and went: what they missed is no loss
 */
export function checkFanOut(
  entries: readonly Entry[],
  readers: readonly string[],
  guests: readonly string[] = [],
): FanOut {
  const found: string[] = [];
  let shown = 0, redelivered = 0;
  for (const reader of [...readers, ...guests]) {
    const verdict = checkLedgers(ofReader(entries, reader, guests.includes(reader)));
    shown += verdict.shown;
    redelivered += verdict.redelivered;
    found.push(...clauses(reader, verdict));
  }
  const sent = entries.filter(({ kind }) => kind === "ack").length;
  return { sent, shown, redelivered, complaints: found };
}

function ofReader(entries: readonly Entry[], reader: string, guest: boolean): Entry[] {
  return entries.flatMap((entry) => {
    if (entry.kind === "intent") return [entry];
    if (entry.kind === "ack") return guest || entry.sender === reader ? [] : [entry];
    // Without a reader's name the numbers are compared in their order, and not for holes.
    const { reader: whose, ...rest } = entry;
    return whose === reader ? [rest] : [];
  });
}

function clauses(reader: string, verdict: Complaints): string[] {
  return complaintKinds.filter((kind) => verdict[kind].length > 0)
    .map((kind) => `${verdict[kind].length} ${kind} at ${reader} (${verdict[kind].slice(0, 3).join("; ")})`);
}
