/**
 * One page of a mailbox while it is sorted: what it amounts to, and what it is sorted for.
 * @module
 */
import { type Clock, CLOCK_TOLERANCE_MS } from "./clock.ts";
import type { ActionEvent, InboxEvent, InboxMessage, Said, UnreadableReason } from "./inbox_events.ts";
import type { DeliveredEvent, Unsealed } from "./opener.ts";
import type { RelayClient, SeqSpan } from "./relay_client.ts";
import type { SeenMark, Tables } from "./storage/store.ts";

/** What arrivals amount to. Nothing of it counts before its changes are written: a lost session may still undo it. */
export interface Page {
  readonly events: InboxEvent[];
  /** For one transaction, before the events are told. */
  readonly changes: ((tables: Tables) => void)[];
  /** Sequence numbers that nobody need be shown; acknowledged when the changes are written. */
  readonly settled: SeqSpan[];
}

/** How to sort one page. */
export interface SortOptions {
  readonly relay: RelayClient;
  /** Messages that this refuses stay in the mailbox untouched. */
  readonly only?: ((message: InboxMessage) => boolean) | undefined;
  /** No more messages than this. */
  readonly max: number;
  /** Messages in the caller's hands, by `messageName`. */
  readonly held: ReadonlySet<string>;
  /** Keeps an action, in the transaction that lets it go. */
  readonly onAction?: ((tables: Tables, action: ActionEvent) => void) | undefined;
  /** Takes in what an own other device told, in the transaction that lets it go; answers what a reader should know. */
  readonly onSync?: ((tables: Tables, said: Said) => InboxEvent[]) | undefined;
}

/** What the store knows about a delivery before it is sorted. */
export interface Known {
  readonly mark: SeenMark | null;
  /** Nothing sent until then can be told from what was shown and forgotten, milliseconds since 1970. */
  readonly forgottenUntilMs: number;
  /** The lineage has been met, or another one of the same device. */
  readonly lineage: boolean;
  readonly otherLineage: boolean;
}

/** Bytes kept of everything unreadable together. */
export const UNREADABLE_MAX_BYTES = 16 * 1024 * 1024;

/** A delivery that is no message: told once, let go, and its bytes are kept for a while. Answers null. */
export function refuse(
  page: Page,
  { seq, receivedAtMs, envelope: bytes }: DeliveredEvent,
  { envelope }: Unsealed,
  reason: UnreadableReason,
  clock: Clock,
): null {
  page.events.push({
    type: "unreadable",
    id: envelope?.id ?? null,
    seq,
    fromDevice: envelope?.sender ?? null,
    reason,
  });
  page.changes.push(({ unreadable }) =>
    unreadable.add({ seq, receivedAtMs, reason, bytes }, clock.now(), UNREADABLE_MAX_BYTES)
  );
  page.settled.push({ first: seq, last: seq });
  return null;
}

/** A relay that once named a short max_ttl made us forget early; what it replays now must not be shown again. */
export function isTooOld(
  createdAtMs: number,
  { mark, forgottenUntilMs }: Known,
  relay: RelayClient,
  clock: Clock,
): boolean {
  const tooOldMs = clock.now() - 2 * relay.session.maxTtlS * 1000 - CLOCK_TOLERANCE_MS;
  return createdAtMs < tooOldMs || (!mark && createdAtMs <= forgottenUntilMs);
}
