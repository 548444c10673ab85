/**
 * Receipts that are shown for another message than their own, and asked for again after replays.
 * @module
 */
import { receiptSubject } from "../../../client/receipts.ts";
import { checkReceiptIsFor, openReceipt } from "../../../crypto/receipt.ts";
import { equal } from "../../../crypto/equal.ts";
import { asQightError } from "../../../proto/errors.ts";
import { connectVia, type WireDevice } from "../lifecycle/wire_peer.ts";

/** One message and the relay's word on it. */
export interface Receipted {
  readonly envelope: Uint8Array;
  readonly seq: number;
  readonly receipt: Uint8Array;
}

/** Asks for the receipt of each of these messages, as their sender. */
export async function collectReceipts(
  address: string,
  sender: WireDevice,
  messages: readonly { readonly bytes: Uint8Array; readonly seq: number }[],
): Promise<Receipted[]> {
  await using client = await connectVia("quic", address, sender);
  const found: Receipted[] = [];
  for (const { bytes: envelope, seq } of messages) {
    const { bytes, error } = await client.getReceipt({ ...receiptSubject(envelope), seq });
    if (error) throw error;
    if (bytes) found.push({ envelope, seq, receipt: bytes });
  }
  return found;
}

/** Shows each receipt for the next message; answers how many were believed. */
export async function replayReceipts(root: Uint8Array, receipts: readonly Receipted[]): Promise<number> {
  let believed = 0;
  for (const [at, { receipt }] of receipts.entries()) {
    const other = receipts[(at + 1) % receipts.length];
    try {
      checkReceiptIsFor(await openReceipt(receipt, root), { ...receiptSubject(other.envelope), seq: other.seq });
      believed++;
    } catch (thrown) {
      if (asQightError(thrown).code !== "bad_receipt") throw thrown;
    }
  }
  return believed;
}

/** What the relay says otherwise now than it said before, in words: a replay must not win a second receipt. */
export async function changedReceipts(
  root: Uint8Array,
  before: readonly Receipted[],
  after: readonly Receipted[],
): Promise<string[]> {
  if (before.length !== after.length) return [`${before.length} receipts became ${after.length}`];
  const changed: string[] = [];
  for (const [at, { seq, receipt }] of before.entries()) {
    const [old, now] = await Promise.all([openReceipt(receipt, root), openReceipt(after[at].receipt, root)]);
    const same = old.seq === now.seq && old.receivedAtMs === now.receivedAtMs && equal(old.bodyHash, now.bodyHash);
    if (!same) changed.push(`the receipt of seq ${seq} now says seq ${now.seq} at ${now.receivedAtMs}`);
  }
  return changed;
}
