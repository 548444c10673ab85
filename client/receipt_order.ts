/**
 * Outcomes of a pipeline that wait for their receipts, so that both are told together and in order.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import { checkedReceipt, NO_RECEIPT, receiptSubject, type SignedReceipt } from "./receipts.ts";
import type { SendOutcome } from "./send_many.ts";

interface Held {
  readonly outcome: SendOutcome;
  readonly envelope: Uint8Array;
  /** Null while it is awaited. */
  signed: SignedReceipt | null;
}

/** The relay answers in input order and gives receipts in the order of what it accepted. */
export class ReceiptOrder {
  readonly #root: Uint8Array;
  #held: Held[] = [];

  /** `root` is the relay's root key, 32 bytes. */
  constructor(root: Uint8Array) {
    this.#root = root;
  }

  /** Takes the next outcome; answers what can be told now. */
  outcome(outcome: SendOutcome, envelope: Uint8Array): SendOutcome[] {
    this.#held.push({ outcome, envelope, signed: outcome.kind === "accepted" ? null : NO_RECEIPT });
    return this.#ready();
  }

  /** Takes the next receipt; answers what can be told now. Throws `bad_frame` when none is awaited. */
  async receipt(bytes: Uint8Array): Promise<SendOutcome[]> {
    const next = this.#held.find(({ signed }) => signed === null);
    if (next?.outcome.kind !== "accepted") throw new QightError("bad_frame", "The relay gave a receipt too many");
    const message = { ...receiptSubject(next.envelope), seq: next.outcome.receipt.seq };
    next.signed = await checkedReceipt(bytes, this.#root, message);
    return this.#ready();
  }

  /** No more receipts come: the rest without them. */
  rest(): SendOutcome[] {
    for (const held of this.#held) held.signed ??= NO_RECEIPT;
    return this.#ready();
  }

  #ready(): SendOutcome[] {
    const waiting = this.#held.findIndex(({ signed }) => signed === null);
    return this.#held.splice(0, waiting < 0 ? this.#held.length : waiting).map(({ outcome, signed }) =>
      outcome.kind === "accepted" ? { ...outcome, receipt: { ...outcome.receipt, signed: signed! } } : outcome
    );
  }
}
