/**
 * Invites: sealed records, each for one other device, once, until it expires. The relay knows who made and who took one,
 * never what is in it (docs/protocol.md, Invites).
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../../proto/errors.ts";
import {
  ClaimInviteRequestSchema,
  ClaimInviteResponseSchema,
  ConfirmInviteRequestSchema,
  ConfirmInviteResponseSchema,
  PutInviteRequestSchema,
  PutInviteResponseSchema,
  RevokeInviteRequestSchema,
  RevokeInviteResponseSchema,
} from "../../proto/gen/qight/v1/invite_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { Limits } from "../limits.ts";
import type { Metrics } from "../metrics.ts";
import type { Store } from "../storage/store.ts";

/** Bytes of a locator. */
const LOCATOR_BYTES = 32;
/** A nonce, a padded record of at most 1 KiB, an authentication tag (crypto/invite.ts). */
const MAX_RECORD_BYTES = 12 + 1024 + 16;
/** Invites of one device that nobody has taken yet. */
const MAX_OPEN = 16;
/** Invites of one device in all: the taken ones are remembered for a while. */
const MAX_REMEMBERED = 256;
/** How long the device that took an invite may ask for it again, and others hear that it was used. */
const CLAIM_KEEP_MS = 7 * 24 * 3600_000;

/** What serving invites needs of the relay. */
export interface InviteRoom {
  readonly store: Store;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly retention: () => { readonly maxTtlMs: number };
  readonly draining: () => boolean;
  readonly now: () => number;
}

/** PutInvite: keeps a sealed record of a device that has a mailbox. */
export async function putInvite(room: InviteRoom, call: CallContext): Promise<void> {
  const { locator, record, ttlS } = await call.requests.only(PutInviteRequestSchema);
  await admit(room, call, locator);
  if (record.length === 0 || record.length > MAX_RECORD_BYTES) {
    throw new QightError("message_too_large", `The record of an invite has 1 to ${MAX_RECORD_BYTES} bytes`);
  }
  if (ttlS === 0) throw new QightError("bad_frame", "The invite does not say how long it is good for");
  const nowMs = room.now();
  const expiresAtMs = nowMs + Math.min(ttlS * 1000, room.retention().maxTtlMs);
  const invite = { locator, creator: call.peer.device, record, expiresAtMs };
  const put = await room.store.putInvite(invite, { nowMs, maxOpen: MAX_OPEN, maxRemembered: MAX_REMEMBERED });
  if (put.kind === "taken") throw new QightError("id_conflict", "Another invite has this locator");
  if (put.kind === "too_many") {
    throw new QightError("busy", `This device has ${put.open} open invites, and made ${put.remembered} in a week`, {
      retryAfterMs: 60_000,
    });
  }
  const answer = create(PutInviteResponseSchema, { expiresAtMs: BigInt(put.expiresAtMs) });
  await call.reply.send(toBinary(PutInviteResponseSchema, answer));
}

/** ClaimInvite: the record, for the first device that asks. What never was, expired or was taken back is all one. */
export async function claimInvite(room: InviteRoom, call: CallContext): Promise<void> {
  const { locator } = await call.requests.only(ClaimInviteRequestSchema);
  await admit(room, call, locator);
  const nowMs = room.now();
  const claim = await room.store.claimInvite(locator, call.peer.device, { nowMs, keepUntilMs: nowMs + CLAIM_KEEP_MS });
  if (claim.kind === "unknown") throw new QightError("invite_unknown");
  if (claim.kind === "used") throw new QightError("invite_used");
  const answer = create(ClaimInviteResponseSchema, { record: claim.record });
  await call.reply.send(toBinary(ClaimInviteResponseSchema, answer));
}

/** ConfirmInvite: the record goes, that it was used stays known. From any other device it changes nothing. */
export async function confirmInvite(room: InviteRoom, call: CallContext): Promise<void> {
  const { locator } = await call.requests.only(ConfirmInviteRequestSchema);
  await admit(room, call, locator);
  await room.store.confirmInvite(locator, call.peer.device);
  await call.reply.send(toBinary(ConfirmInviteResponseSchema, create(ConfirmInviteResponseSchema)));
}

/** RevokeInvite: by its maker, and as long as nobody has claimed it. */
export async function revokeInvite(room: InviteRoom, call: CallContext): Promise<void> {
  const { locator } = await call.requests.only(RevokeInviteRequestSchema);
  await admit(room, call, locator);
  const revoked = await room.store.revokeInvite(locator, call.peer.device);
  await call.reply.send(toBinary(RevokeInviteResponseSchema, create(RevokeInviteResponseSchema, { revoked })));
}

/** Only devices with a mailbox: those cost an account, and accounts are limited by address. */
async function admit(room: InviteRoom, { peer }: CallContext, locator: Uint8Array): Promise<void> {
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  if (locator.length !== LOCATOR_BYTES) throw new QightError("bad_frame", "The locator of an invite has 32 bytes");
  const wait = room.limits.takeInvite(peer.device);
  if (wait > 0) {
    room.metrics.rateLimited("invites");
    throw new QightError("rate_limited", "Too many invites from this device", { retryAfterMs: wait });
  }
  if (await room.store.bundleOfDevice(peer.device)) return;
  throw new QightError("not_allowed", "Invites are for devices that a published bundle lists");
}
