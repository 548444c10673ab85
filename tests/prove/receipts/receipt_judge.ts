/**
 * Holds a relay to its signed word: every receipt must be good, and the message that it is about must be there.
 * @module
 */
import { checkReceiptIsFor, openReceipt, type ReceiptFields } from "../../../crypto/receipt.ts";
import { fromHex, hex } from "../../../crypto/hex.ts";
import { asQightError } from "../../../proto/errors.ts";

/** A message as its sender knows it, with the receipt that the relay gave for it; keys and hashes in hex. */
export interface NotedReceipt {
  readonly mailbox: string;
  readonly id: string;
  readonly bodyHash: string;
  /** The serialized Receipt, base64. */
  readonly receipt: string;
}

/** A message as it lies in its mailbox; nothing was read or has expired. */
export interface LyingThere {
  readonly mailbox: string;
  readonly seq: number;
  readonly id: string;
  readonly bodyHash: string;
}

/** What the receipts prove against the relay; the arrays are empty when it kept its word. */
export interface Judgement {
  /** Receipts that prove nothing, or are not about the message that they were given for. */
  readonly worthless: string[];
  /** Signed for, and not in the mailbox. */
  readonly missing: string[];
  /** Another message, or other content, lies under the number that was signed. */
  readonly altered: string[];
  /** Two receipts for one number that say different things. */
  readonly contradictory: string[];
}

/** Judges the relay with this root key by receipts that senders noted and by what its mailboxes hold. */
export async function judge(
  root: Uint8Array,
  noted: Iterable<NotedReceipt>,
  there: Iterable<LyingThere>,
): Promise<Judgement> {
  const found: Judgement = { worthless: [], missing: [], altered: [], contradictory: [] };
  const place = (mailbox: string, seq: number) => `${seq} of ${mailbox.slice(0, 8)}`;
  const stored = new Map([...there].map((message) => [place(message.mailbox, message.seq), message]));
  const signed = new Map<string, NotedReceipt>();
  for (const note of noted) {
    const receipt = await opened(root, note);
    if (typeof receipt === "string") {
      found.worthless.push(`${note.id}: ${receipt}`);
      continue;
    }
    const at = place(note.mailbox, receipt.seq);
    const before = signed.get(at);
    if (before && (before.id !== note.id || before.bodyHash !== note.bodyHash)) {
      found.contradictory.push(`${at}: ${before.id} and ${note.id}`);
    }
    signed.set(at, note);
    const message = stored.get(at);
    if (!message) found.missing.push(`${at}: ${note.id}`);
    else if (message.id !== note.id || message.bodyHash !== note.bodyHash) found.altered.push(`${at}: ${message.id}`);
  }
  return found;
}

/** One clause for each broken promise, with up to three examples. */
export function judgementComplaints(judgement: Judgement): string[] {
  const words: Record<keyof Judgement, string> = {
    worthless: "receipts prove nothing",
    missing: "messages are signed for and missing",
    altered: "messages are not the ones that were signed for",
    contradictory: "numbers were signed for twice",
  };
  return (Object.keys(words) as (keyof Judgement)[]).filter((kind) => judgement[kind].length > 0)
    .map((kind) => `${judgement[kind].length} ${words[kind]} (${judgement[kind].slice(0, 3).join("; ")})`);
}

async function opened(
  root: Uint8Array,
  { mailbox, id, bodyHash, receipt }: NotedReceipt,
): Promise<ReceiptFields | string> {
  try {
    const fields = await openReceipt(Uint8Array.fromBase64(receipt), root);
    checkReceiptIsFor(fields, { mailbox: fromHex(mailbox), id: fromHex(id), bodyHash: fromHex(bodyHash) });
    return fields;
  } catch (thrown) {
    return asQightError(thrown).message;
  }
}

/** The same facts of an opened receipt in hex. */
export function factsOf({ mailbox, seq, id, bodyHash }: ReceiptFields): LyingThere {
  return { mailbox: hex(mailbox), seq, id: hex(id), bodyHash: hex(bodyHash) };
}
