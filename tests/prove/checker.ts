/**
 * Compares the ledgers: nothing acknowledged may be lost, doubled, altered or out of order.
 * @module
 */
import type { Entry } from "./ledger.ts";

/** What the ledgers show; the arrays are empty when the promises held. */
export interface Verdict {
  readonly intents: number;
  readonly acknowledged: number;
  readonly shown: number;
  /** Shown although never acknowledged: allowed, the outcome was unknown. */
  readonly unacknowledgedShown: number;
  /** Shown again and marked `redelivered` by the reader: allowed once per crash of the reader. */
  readonly redelivered: number;
  /** Acknowledged and never shown. */
  readonly lost: string[];
  /** Shown twice without being marked, or stored twice (two sequence numbers). */
  readonly doubled: string[];
  /** Shown, but nobody meant exactly this; or another text under an acknowledged id. */
  readonly altered: string[];
  /** Shown before an earlier one of the same sender, or against the order of sequence numbers. */
  readonly reordered: string[];
}

/** Checks entries of all ledgers together; the entries of one ledger are in its order. */
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
  const doubled: string[] = [], altered: string[] = [], reordered: string[] = [];
  const lastOfSender = new Map<string, number>();
  const lastOfReader = new Map<string, number>();
  let redelivered = 0;
  for (const entry of entries) {
    if (entry.kind !== "shown") continue;
    const meant = intents.get(entry.text);
    if (!meant) {
      altered.push(`${entry.text}: nobody sent this`);
      continue;
    }
    const promised = entry.id === undefined ? undefined : textOfId.get(entry.id);
    if (promised !== undefined && promised !== entry.text) {
      altered.push(`${entry.id}: ${promised} became ${entry.text}`);
    }
    const before = shown.get(entry.text);
    if (before) {
      if (entry.redelivered && before.seq === entry.seq) redelivered++;
      else doubled.push(`${entry.text}: seq ${before.seq} and ${entry.seq}`);
      continue;
    }
    shown.set(entry.text, entry);
    const sender = `${meant.sender} to ${entry.reader}`;
    if (meant.n! <= (lastOfSender.get(sender) ?? -1)) reordered.push(`${entry.text}: after a later one of ${sender}`);
    else lastOfSender.set(sender, meant.n!);
    const reader = entry.reader ?? "";
    if (entry.seq === undefined) continue;
    if (entry.seq <= (lastOfReader.get(reader) ?? 0)) reordered.push(`${entry.text}: seq ${entry.seq} at ${reader}`);
    else lastOfReader.set(reader, entry.seq);
  }

  const lost = [...acks.keys()].filter((text) => !shown.has(text));
  const unacknowledgedShown = [...shown.keys()].filter((text) => !acks.has(text)).length;
  return {
    intents: intents.size,
    acknowledged: acks.size,
    shown: shown.size,
    unacknowledgedShown,
    redelivered,
    lost,
    doubled,
    altered,
    reordered,
  };
}

/** One clause per broken promise, with up to three examples; empty when all held. */
export function complaints(verdict: Verdict): string[] {
  return (["lost", "doubled", "altered", "reordered"] as const).filter((kind) => verdict[kind].length > 0)
    .map((kind) => `${verdict[kind].length} ${kind} (${verdict[kind].slice(0, 3).join("; ")})`);
}
