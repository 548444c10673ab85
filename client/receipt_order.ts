/**
 * Outcomes of a pipeline that wait for their receipts, so that both are told together and in order.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import {
  awaitedReceipts,
  checkedReceipt,
  type ReceiptSubject,
  type SendOutcome,
  type SignedReceipt,
  withReceipts,
} from "./receipts.ts";

interface Held {
  readonly outcome: SendOutcome;
  /** What is still to come: one receipt, or one for each member of a group that has it. */
  awaited: ReceiptSubject[];
  readonly signed: SignedReceipt[];
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
    const awaited = outcome.kind === "accepted" ? awaitedReceipts(outcome.receipt, envelope) : [];
    this.#held.push({ outcome, awaited, signed: [] });
    return this.#ready();
  }

  /** Takes the next receipt; answers what can be told now. Throws `bad_frame` when none is awaited. */
  async receipt(bytes: Uint8Array): Promise<SendOutcome[]> {
    const next = this.#held.find(({ awaited }) => awaited.length > 0);
    if (!next) throw new QightError("bad_frame", "The relay gave a receipt too many");
    next.signed.push(await checkedReceipt(bytes, this.#root, next.awaited.shift()!));
    return this.#ready();
  }

  /** No more receipts come: the rest without them. */
  rest(): SendOutcome[] {
    for (const held of this.#held) held.awaited = [];
    return this.#ready();
  }

  #ready(): SendOutcome[] {
    const waiting = this.#held.findIndex(({ awaited }) => awaited.length > 0);
    return this.#held.splice(0, waiting < 0 ? this.#held.length : waiting).map(({ outcome, signed }) =>
      outcome.kind === "accepted" ? { ...outcome, receipt: withReceipts(outcome.receipt, signed) } : outcome
    );
  }
}
