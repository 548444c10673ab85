/**
 * Decides whether an envelope may enter a mailbox, and brings it there. Every way to send goes through here.
 * @module
 */
import { createHash } from "node:crypto";
import { CONTENT_GROUP, type OpenedEnvelope, parseEnvelope, verifyEnvelope } from "../../crypto/envelope.ts";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import { mailboxKey } from "../mailboxes.ts";
import type { Peer } from "../peer.ts";
import type { NewMessage } from "../storage/store.ts";
import type { AcceptanceRoom, Accepted } from "./acceptance_room.ts";
import { storeForGroup } from "./group_messages.ts";
import { refusalOf } from "./refusals.ts";

/** Envelopes and sealing keys may be dated this far ahead of the relay's clock (docs/protocol.md, Time). */
export const FUTURE_TOLERANCE_MS = 10 * 60 * 1000;

/** Checks an envelope's form, size, time, sender and signature; throws the typed reason to refuse it. */
export async function checkEnvelope(room: AcceptanceRoom, peer: Peer, bytes: Uint8Array): Promise<OpenedEnvelope> {
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  // In the midst of a stream of sends, too.
  if (peer.session?.refusal) throw peer.session.refusal;
  const { maxEnvelope, maxTtlMs } = room.retention();
  if (bytes.length > maxEnvelope) {
    throw new QightError("message_too_large", `The envelope has ${bytes.length} bytes; the limit is ${maxEnvelope}`);
  }
  const envelope = parseEnvelope(bytes);
  if (!equal(envelope.sender, peer.device)) {
    throw new QightError("not_allowed", "The envelope's sender is not the device of this session");
  }
  const wait = room.limits.takeSend(envelope.sender);
  if (wait > 0) {
    room.metrics.rateLimited("send");
    const allowed = `The relay allows ${room.limits.sendsPerMinute} messages a minute from one device`;
    throw new QightError("rate_limited", allowed, { retryAfterMs: wait });
  }
  const now = room.now();
  if (envelope.createdAtMs > now + FUTURE_TOLERANCE_MS) {
    throw new QightError("from_the_future", "The envelope is dated more than 10 minutes ahead of the relay's clock");
  }
  if (envelope.createdAtMs < now - maxTtlMs) {
    throw new QightError(
      "expired",
      "The envelope is older than the relay keeps messages, or its sender's clock is behind",
    );
  }
  await verifyEnvelope(envelope);
  const asked = room.blocks.check(envelope);
  if (asked) await asked;
  return envelope;
}

/** Stores a checked envelope; resolves when it is on disk, throws the typed reason when it was not taken. */
export async function storeEnvelope(room: AcceptanceRoom, envelope: OpenedEnvelope): Promise<Accepted> {
  const { defaultTtlMs, maxTtlMs } = room.retention();
  const receivedAtMs = room.now();
  const ttlMs = Math.min(envelope.ttlS === 0 ? defaultTtlMs : envelope.ttlS * 1000, maxTtlMs);
  const expiresAtMs = receivedAtMs + ttlMs;
  const message: NewMessage = {
    recipient: envelope.recipient,
    sender: envelope.sender,
    id: envelope.id,
    // Not envelope.bodyHash: that runs in browsers too, in JavaScript, at three times the time (docs/performance.md).
    bodyHash: createHash("sha256").update(envelope.bodyBytes).digest(),
    envelope: envelope.bytes,
    createdAtMs: envelope.createdAtMs,
    receivedAtMs,
    expiresAtMs,
    tombstoneUntilMs: envelope.createdAtMs + maxTtlMs + FUTURE_TOLERANCE_MS,
  };
  if (envelope.contentType === CONTENT_GROUP) return await storeForGroup(room, envelope, message);
  const outcome = await room.store.enqueue(message);
  if (outcome.kind !== "stored" && outcome.kind !== "duplicate") throw refusalOf(outcome);
  const { recipient: mailbox, id, bodyHash } = message;
  const { seq } = outcome;
  const duplicate = outcome.kind === "duplicate";
  if (!duplicate) {
    room.metrics.accepted(envelope.bytes.length);
    room.mailboxes.announce(
      mailboxKey(mailbox),
      () => ({ seq, receivedAtMs, expiresAtMs, envelope: envelope.bytes }),
    );
  }
  const receipt = { mailbox, seq, id, bodyHash, receivedAtMs: duplicate ? outcome.receivedAtMs : receivedAtMs };
  return { seq, expiresAtMs: outcome.expiresAtMs, duplicate, receipts: [receipt], members: [] };
}

/** Counts a refusal by its reason. */
export function countRefusal(room: AcceptanceRoom, error: QightError): void {
  room.metrics.rejected(error.code);
}
