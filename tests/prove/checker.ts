/**
 * Compares the ledgers: nothing acknowledged may be lost, doubled, altered or out of order, nothing unsent may appear,
 * and a mailbox's numbers have neither holes nor repeats.
 * @module
 */
import type { Entry } from "./ledger.ts";
import { checkNumbers } from "./mailbox_numbers.ts";

/** Broken promises by their kind; each list holds one sentence for each case. */
export interface Complaints {
  /** Acknowledged and never shown. */
  readonly lost: string[];
  /** Shown twice without being marked, or stored twice (two sequence numbers). */
  readonly doubled: string[];
  /** Another text under an id than the one that was acknowledged under it. */
  readonly altered: string[];
  /** Shown, but nobody meant it. */
  readonly unsent: string[];
  /** Shown before an earlier one of the same sender, or against the order of sequence numbers. */
  readonly reordered: string[];
  /** A number of a mailbox below its highest that never came: what it named was hidden or never stored. */
  readonly missing: string[];
  /** A number of a mailbox that was given to two messages. */
  readonly reused: string[];
  /** Shown again after the relay had confirmed the reader's acknowledgement. */
  readonly returned: string[];
}

/** Kinds of complaint, in the order in which rows print them. */
export const complaintKinds = [
  "lost",
  "doubled",
  "altered",
  "unsent",
  "reordered",
  "missing",
  "reused",
  "returned",
] as const satisfies (keyof Complaints)[];

/** What the ledgers show; the lists of complaints are empty when the promises held. */
export interface Verdict extends Complaints {
  readonly intents: number;
  readonly acknowledged: number;
  readonly shown: number;
  /** Shown although never acknowledged: allowed, the outcome was unknown. */
  readonly unacknowledgedShown: number;
  /** Shown again and marked `redelivered` by the reader: allowed once per crash of the reader. */
  readonly redelivered: number;
  /** Acknowledged by the reader, and that confirmed by the relay. */
  readonly taken: number;
}

/**
 * Checks entries of all ledgers together; the entries of one ledger are in its order. Every reader's mailbox is new and
 * read from its first number on, and nothing in it expires.
 */
export function checkLedgers(entries: readonly Entry[]): Verdict {
  const intents = new Map<string, Entry>();
  const acks = new Map<string, Entry>();
  const textOfId = new Map<string, string>();
  for (const entry of entries) {
    if (entry.kind === "intent") intents.set(entry.text, entry);
    if (entry.kind !== "ack") continue;
    acks.set(entry.text, entry);
    if (entry.id) textOfId.set(entry.id, entry.text);
  }

  const shown = new Map<string, Entry>();
  const taken = new Set<string>();
  const found: Complaints = {
    ...{ lost: [], doubled: [], altered: [], unsent: [], reordered: [], returned: [] },
    ...checkNumbers(entries),
  };
  const lastOfSender = new Map<string, number>();
  const lastOfReader = new Map<string, number>();
  let redelivered = 0;
  for (const entry of entries) {
    if (entry.kind === "taken") taken.add(entry.text);
    if (entry.kind !== "shown") continue;
    const meant = intents.get(entry.text);
    const promised = entry.id === undefined ? undefined : textOfId.get(entry.id);
    if (promised !== undefined && promised !== entry.text) {
      found.altered.push(`${entry.id}: ${promised} became ${entry.text}`);
    }
    if (!meant) {
      if (promised === undefined) found.unsent.push(`${entry.text}: nobody sent this`);
      continue;
    }
    if (taken.has(entry.text)) found.returned.push(`${entry.text}: seq ${entry.seq} at ${entry.reader}`);
    const before = shown.get(entry.text);
    if (before) {
      if (entry.redelivered && before.seq === entry.seq) redelivered++;
      else found.doubled.push(`${entry.text}: seq ${before.seq} and ${entry.seq}`);
      continue;
    }
    shown.set(entry.text, entry);
    const ack = acks.get(entry.text);
    if (ack?.seq !== undefined && entry.seq !== undefined && ack.seq !== entry.seq) {
      found.doubled.push(`${entry.text}: acknowledged as seq ${ack.seq}, shown as ${entry.seq}`);
    }
    const sender = `${meant.sender} to ${entry.reader}`;
    if (meant.n! <= (lastOfSender.get(sender) ?? -1)) {
      found.reordered.push(`${entry.text}: after a later one of ${sender}`);
    } else lastOfSender.set(sender, meant.n!);
    const reader = entry.reader ?? "";
    if (entry.seq === undefined) continue;
    if (entry.seq <= (lastOfReader.get(reader) ?? 0)) {
      found.reordered.push(`${entry.text}: seq ${entry.seq} at ${reader}`);
    } else lastOfReader.set(reader, entry.seq);
  }

  found.lost.push(...[...acks.keys()].filter((text) => !shown.has(text)));
  return {
    intents: intents.size,
    acknowledged: acks.size,
    shown: shown.size,
    unacknowledgedShown: [...shown.keys()].filter((text) => !acks.has(text)).length,
    redelivered,
    taken: taken.size,
    ...found,
  };
}

/** How many complaints of each kind there are, for the line of a row. */
export function tally(verdict: Complaints): Record<keyof Complaints, number> {
  return Object.fromEntries(complaintKinds.map((kind) => [kind, verdict[kind].length])) as Record<
    keyof Complaints,
    number
  >;
}

/** One clause per broken promise, with up to three examples; empty when all held. */
export function complaints(verdict: Complaints): string[] {
  return complaintKinds.filter((kind) => verdict[kind].length > 0)
    .map((kind) => `${verdict[kind].length} ${kind} (${verdict[kind].slice(0, 3).join("; ")})`);
}
