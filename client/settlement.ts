/**
 * What becomes of frozen messages in the store: accepted, refused for good, or kept to be tried again.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { SendReceipt } from "./receipts.ts";
import type { OutboxEnvelope, Tables } from "./storage/store.ts";

/** What became of one device's envelope. */
export type Settlement =
  | { readonly kind: "accepted"; readonly receipt: SendReceipt; readonly bodyHash?: Uint8Array }
  /** Refused for good: its number becomes void. */
  | { readonly kind: "refused" }
  /** Not taken now; the same bytes may be sent again. */
  | { readonly kind: "postponed" };

/** One settled envelope. */
export interface Settled {
  readonly id: Uint8Array;
  readonly device: Uint8Array;
  readonly outcome: Settlement;
}

/** Settles what is known of one message; a message that all devices have, or refused, leaves the outbox. */
export function settleMessage(tables: Tables, settled: readonly Settled[], remember: boolean): void {
  const { id } = settled[0];
  const held = tables.outbox.get(id)?.state === "held";
  const changes: [Uint8Array, Pick<OutboxEnvelope, "state" | "seq" | "expiresAtMs">][] = [];
  const states = tables.outbox.states(id).map((envelope) => {
    const outcome = settled.find(({ device }) => equal(device, envelope.device))?.outcome;
    if (!outcome || outcome.kind === "postponed") return envelope.state;
    const state = outcome.kind === "refused" && envelope.state === "accepted" ? "accepted" : outcome.kind;
    settleNumber(tables, envelope, state);
    if (outcome.kind === "accepted" && remember) noteMembers(tables, id, outcome);
    // Members without room may still get it when the id is repeated.
    if (outcome.kind === "accepted" && remember && held && lacksRoom(outcome.receipt)) return "pending";
    const { seq, expiresAtMs } = outcome.kind === "accepted" ? outcome.receipt : envelope;
    changes.push([envelope.device, { state, seq, expiresAtMs }]);
    if (outcome.kind === "accepted" && outcome.bodyHash && remember && !outcome.receipt.members) {
      const kept = { bodyHash: outcome.bodyHash, receipt: outcome.receipt.signed?.bytes ?? null };
      tables.receipts.put(id, envelope.device, kept);
    }
    return state;
  });
  const over = !states.includes("pending");
  if (over && !(remember && states.includes("accepted"))) {
    return remember ? forget(tables, id) : tables.outbox.remove(id);
  }
  for (const [device, change] of changes) tables.outbox.settle(id, device, change);
  if (over) tables.outbox.setState(id, "sent");
}

/** Each member's mailbox has a number and a receipt of its own. */
function noteMembers(
  { outbox, receipts }: Tables,
  id: Uint8Array,
  { receipt: { members = [] }, bodyHash }: Extract<Settlement, { kind: "accepted" }>,
): void {
  const accepted = members.flatMap(({ device, receipt }) => receipt ? [{ device, receipt }] : []);
  outbox.addMembers(
    id,
    accepted.map(({ device, receipt: { seq, expiresAtMs } }) => {
      return { device, ...NO_NUMBER, envelope: NOTHING, state: "accepted", seq, expiresAtMs };
    }),
  );
  if (!bodyHash) return;
  for (const { device, receipt } of accepted) {
    receipts.put(id, device, { bodyHash, receipt: receipt.signed?.bytes ?? null });
  }
}

/** Whether some member's mailbox did not take it now and may take it later. */
function lacksRoom({ members = [] }: SendReceipt): boolean {
  return members.some(({ error }) => error !== null && error.exit === 75);
}

const NOTHING = new Uint8Array(0);
const NO_NUMBER = { lineage: NOTHING, counter: 0 } as const;

function settleNumber(
  { counters }: Tables,
  { lineage, device, counter }: Pick<OutboxEnvelope, "lineage" | "device" | "counter">,
  state: "accepted" | "refused",
): void {
  if (counter === 0) return;
  if (state === "accepted") counters.forgetVoids(lineage, device, counter);
  else counters.addVoid(lineage, device, counter);
}

/** Forgets a message that did not go out; its numbers become void. */
export function voidAndRemove(tables: Tables, id: Uint8Array): void {
  for (const { state, counter, lineage, device } of tables.outbox.states(id)) {
    if (state === "pending" && counter > 0) tables.counters.addVoid(lineage, device, counter);
  }
  forget(tables, id);
}

/** Forgets a message with what is kept of its receipts. */
export function forget({ outbox, receipts }: Tables, id: Uint8Array): void {
  outbox.remove(id);
  receipts.remove(id);
}
