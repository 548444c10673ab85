/**
 * Why a store did not take a message, as the error that the sender hears.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { MemberEnqueued } from "../storage/store.ts";

/** What became of a message at one mailbox. */
export type Outcome = MemberEnqueued["outcome"];

/** The typed reason of a message that was not taken, null of one that was. */
export function refusalOf(outcome: Outcome): QightError | null {
  switch (outcome.kind) {
    case "stored":
    case "duplicate":
      return null;
    case "id_conflict":
      return new QightError("id_conflict", "Another message with this id is already in the mailbox or was");
    case "no_such_recipient":
      return new QightError("no_such_recipient");
    case "queue_full":
      return new QightError(
        "queue_full",
        `The recipient's mailbox is full: it holds ${outcome.messages} messages, ${outcome.bytes} bytes`,
        { retryAfterMs: 5000 },
      );
    case "storage_full":
      return storageFull();
    case "stale_epoch":
      return staleEpoch(outcome.epoch);
  }
}

/** The store has no room for anybody. */
export function storageFull(): QightError {
  return new QightError("storage_full", undefined, { retryAfterMs: 30_000 });
}

/** The group is in another epoch than the caller believed. */
export function staleEpoch(epoch: number): QightError {
  return new QightError("stale_epoch", `The group is in epoch ${epoch} now`, { epoch });
}

/** The caller is not on the roster, or there is no such group: both are one answer. */
export function notAMember(): QightError {
  return new QightError("not_a_member");
}
