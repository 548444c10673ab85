/**
 * What the relay's answer to a message means for the bytes that are kept of it.
 * @module
 */
import type { ErrorCode, QightError } from "../proto/errors.ts";
import type { Settlement } from "./outbox.ts";
import type { SendReceipt } from "./relay_client.ts";
import type { SendRoom } from "./send_room.ts";
import type { OutboxEnvelope } from "./storage/store.ts";

/** What is known of an envelope that was accepted before, with its receipt if that is wanted and can be had. */
export async function acceptedBefore(
  { relay, outbox, receipts }: SendRoom,
  id: Uint8Array,
  { device, seq, expiresAtMs }: OutboxEnvelope,
): Promise<SendReceipt> {
  const receipt = { seq, expiresAtMs, duplicate: true };
  const kept = receipts ? await outbox.receipt(id, device) : null;
  if (!kept) return receipt;
  if (kept.receipt) return { ...receipt, signed: { bytes: kept.receipt, error: null } };
  const signed = await relay.getReceipt({ mailbox: device, id, seq, bodyHash: kept.bodyHash });
  if (signed.bytes) await outbox.keepReceipt(id, device, { ...kept, receipt: signed.bytes });
  return { ...receipt, signed };
}

/** Whether an error leaves open what the relay did; then the bytes must be kept. */
export function isUnknown(error: QightError): boolean {
  return UNKNOWN.has(error.code);
}

/** How an error settles an envelope: refused for good, or to be tried again. */
export function settlementOf(error: QightError): Settlement {
  return { kind: error.exit === 75 || KEEP_TRYING.has(error.code) ? "postponed" : "refused" };
}

const UNKNOWN = new Set<ErrorCode>([
  "timeout",
  "unreachable",
  "internal",
  "store_damaged",
  "interrupted",
  "terminated",
  "bad_frame",
]);
// A recipient may appear, an operator may admit us.
const KEEP_TRYING = new Set<ErrorCode>(["no_such_recipient", "not_allowed", "bad_token", "no_session"]);
