/** What `send --json` prints of a message, and what it makes of receipts that prove nothing. @module */
import { formatMessageId } from "../client/message_id.ts";
import type { SendReceipt } from "../client/receipts.ts";
import type { Via } from "../client/send.ts";
import { deviceFingerprint } from "../crypto/account.ts";
import type { QightError } from "../proto/errors.ts";

/** One device's mailbox that has the message. */
export interface AcceptedBy {
  readonly device: Uint8Array;
  readonly receipt: SendReceipt;
}

/** What is said of every message that was sent. */
export interface SentTo {
  /** An account id, or `#NAME`. */
  readonly to: string;
  readonly via: Via;
}

/** The object that `send --json` prints; `seq` and `receipt` are objects by device when there are several. */
export async function sentObject(id: Uint8Array, { to, via }: SentTo, accepted: readonly AcceptedBy[]) {
  const expires = accepted.map(({ receipt }) => receipt.expiresAtMs).filter((ms) => ms > 0);
  return {
    id: formatMessageId(id),
    to,
    via,
    seq: await byDevice(accepted, ({ seq }) => seq),
    queued: false,
    expires_at: expires.length > 0 ? new Date(Math.min(...expires)).toISOString() : null,
    receipt: await byDevice(accepted, ({ signed }) => signed?.bytes?.toBase64() ?? null),
  };
}

/** Why the first receipt that proves nothing does so; null when none is like that. */
export function badReceipt(accepted: readonly AcceptedBy[]): QightError | null {
  return accepted.find(({ receipt }) => receipt.signed?.error)?.receipt.signed?.error ?? null;
}

/** The value itself with one device, else an object by device. */
async function byDevice<T>(
  accepted: readonly AcceptedBy[],
  value: (receipt: SendReceipt) => T,
): Promise<T | Record<string, T> | null> {
  if (accepted.length === 0) return null;
  if (accepted.length === 1) return value(accepted[0].receipt);
  const rows = accepted.map(async ({ device, receipt }) => [await deviceFingerprint(device), value(receipt)] as const);
  return Object.fromEntries(await Promise.all(rows));
}
