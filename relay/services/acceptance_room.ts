/** What accepting envelopes needs of the relay, and what comes of it. @module */
import type { ReceiptFields } from "../../crypto/receipt.ts";
import type { QightError } from "../../proto/errors.ts";
import type { Blocks } from "../blocks.ts";
import type { Limits } from "../limits.ts";
import type { Mailboxes } from "../mailboxes.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../storage/store.ts";
import type { ReceiptSigner } from "./receipts.ts";

/** Retention and size as configured now. */
export interface Retention {
  readonly defaultTtlMs: number;
  readonly maxTtlMs: number;
  readonly maxEnvelope: number; // bytes of a serialized SignedEnvelope
}

/** What acceptance needs of the relay. */
export interface AcceptanceRoom {
  readonly store: Store;
  readonly blocks: Pick<Blocks, "check">;
  readonly mailboxes: Mailboxes;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly retention: () => Retention;
  readonly receipts: ReceiptSigner;
  readonly draining: () => boolean;
  readonly now: () => number;
}

/** An accepted envelope: it is on disk. */
export interface Accepted {
  /** Its number in the recipient's mailbox; 0 when the recipient is a group. */
  readonly seq: number;
  readonly expiresAtMs: number;
  readonly duplicate: boolean;
  /** One for each mailbox that has it. What a receipt says of a duplicate is what it said the first time. */
  readonly receipts: readonly ReceiptFields[];
  /** What became of it at each member of a group, in the order of `receipts` with those between that have it not. */
  readonly members: readonly MemberAccepted[];
}

/** What became of a group message at one device: a number there, or the reason why not. */
export interface MemberAccepted {
  readonly device: Uint8Array;
  readonly seq: number;
  readonly error: QightError | null;
}
