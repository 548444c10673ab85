/**
 * Messages to a group: stored once, delivered to every other device of the roster, each with an outcome of its own.
 * @module
 */
import type { OpenedEnvelope } from "../../crypto/envelope.ts";
import { equal } from "../../crypto/equal.ts";
import { CONTENT_APPLICATION, readHeader } from "../../crypto/mls/header.ts";
import { QightError } from "../../proto/errors.ts";
import { mailboxKey } from "../mailboxes.ts";
import type { MemberEnqueued, NewMessage } from "../storage/store.ts";
import type { AcceptanceRoom, Accepted, MemberAccepted } from "./acceptance_room.ts";
import { notAMember, refusalOf, staleEpoch } from "./refusals.ts";

/**
 * Stores a checked envelope whose recipient is a group; resolves when it is on disk. Throws `bad_group_message`,
 * `not_a_member`, `stale_epoch`, and when no member could take it the reason of one of them.
 */
export async function storeForGroup(
  room: AcceptanceRoom,
  envelope: OpenedEnvelope,
  message: NewMessage,
): Promise<Accepted> {
  const { group, epoch, contentType } = readHeader(envelope.payload);
  if (!equal(group, envelope.recipient)) {
    throw new QightError("bad_group_message", "The message inside the envelope is for another group");
  }
  if (contentType !== CONTENT_APPLICATION) {
    throw new QightError("bad_group_message", "A commit is no message: it goes by the call Commit");
  }
  const offered = await room.store.groups.enqueue({ ...message, epoch });
  if (offered.kind === "not_a_member") throw notAMember();
  if (offered.kind === "stale_epoch") throw staleEpoch(offered.epoch);
  return accepted(room, message, offered.members);
}

function accepted(room: AcceptanceRoom, message: NewMessage, offered: readonly MemberEnqueued[]): Accepted {
  const { id, bodyHash, receivedAtMs, expiresAtMs, envelope } = message;
  const receipts = [], members: MemberAccepted[] = [];
  let stored = 0, firstExpiresAtMs = expiresAtMs;
  for (const { device: mailbox, outcome } of offered) {
    const error = refusalOf(outcome);
    if (outcome.kind === "stored") {
      stored++;
      const { seq } = outcome;
      room.mailboxes.announce(mailboxKey(mailbox), () => ({ seq, receivedAtMs, expiresAtMs, envelope }));
      receipts.push({ mailbox, seq, id, bodyHash, receivedAtMs });
    } else if (outcome.kind === "duplicate") {
      firstExpiresAtMs = Math.min(firstExpiresAtMs, outcome.expiresAtMs);
      receipts.push({ mailbox, seq: outcome.seq, id, bodyHash, receivedAtMs: outcome.receivedAtMs });
    }
    const seq = outcome.kind === "stored" || outcome.kind === "duplicate" ? outcome.seq : 0;
    members.push({ device: mailbox, seq, error });
  }
  const refusals = members.flatMap(({ error }) => error ?? []);
  if (receipts.length === 0 && refusals.length > 0) {
    // One that passes by itself is the better news: the sender comes back.
    throw refusals.find(({ retryAfterMs }) => retryAfterMs !== undefined) ?? refusals[0];
  }
  if (stored > 0 || members.length === 0) room.metrics.accepted(envelope.length);
  const duplicate = members.length > 0 && stored === 0;
  return { seq: 0, expiresAtMs: firstExpiresAtMs, duplicate, receipts, members };
}
