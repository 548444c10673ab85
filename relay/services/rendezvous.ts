/**
 * The calls by which two devices leave each other sealed records; neither needs to be known to the relay.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../../proto/errors.ts";
import {
  PutRendezvousRequestSchema,
  PutRendezvousResponseSchema,
  TakeRendezvousRequestSchema,
  TakeRendezvousResponseSchema,
} from "../../proto/gen/qight/v1/rendezvous_pb.ts";
import type { CallContext } from "../dispatch.ts";
import type { Limits } from "../limits.ts";
import { limitKey } from "../limits/limit_key.ts";
import type { Metrics } from "../metrics.ts";
import { MAX_RENDEZVOUS_BYTES, PLACES, type Rendezvous } from "../rendezvous.ts";

/** Bytes of a locator. */
const LOCATOR_BYTES = 32;
/** Longest wait of one call. */
const MAX_WAIT_MS = 60_000;

/** What a rendezvous needs of the relay. */
export interface RendezvousRoom {
  readonly rendezvous: Rendezvous;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly draining: () => boolean;
  readonly now: () => number;
}

/** PutRendezvous: leaves a record; place 0 begins. */
export async function putRendezvous(room: RendezvousRoom, call: CallContext): Promise<void> {
  const { locator, place, record } = await call.requests.only(PutRendezvousRequestSchema);
  admit(room, call, locator, place);
  if (record.length === 0 || record.length > MAX_RENDEZVOUS_BYTES) {
    throw new QightError("message_too_large", `A record has 1 to ${MAX_RENDEZVOUS_BYTES} bytes`);
  }
  const leftMs = room.rendezvous.put(locator, place, record, addressOf(call));
  const answer = create(PutRendezvousResponseSchema, { expiresAtMs: BigInt(Math.round(room.now() + leftMs)) });
  await call.reply.send(toBinary(PutRendezvousResponseSchema, answer));
}

/** TakeRendezvous: reads a place, waiting for it up to a minute. */
export async function takeRendezvous(room: RendezvousRoom, call: CallContext): Promise<void> {
  const { locator, place, waitMs } = await call.requests.only(TakeRendezvousRequestSchema);
  call.requests.watchForReset();
  admit(room, call, locator, place);
  const wait = Math.min(waitMs, MAX_WAIT_MS);
  const record = await room.rendezvous.take(locator, place, wait, call.served.signal);
  const answer = create(TakeRendezvousResponseSchema, record ? { record } : {});
  await call.reply.send(toBinary(TakeRendezvousResponseSchema, answer));
}

function admit(room: RendezvousRoom, call: CallContext, locator: Uint8Array, place: number): void {
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  if (locator.length !== LOCATOR_BYTES) throw new QightError("bad_frame", "A locator has 32 bytes");
  if (place >= PLACES) throw new QightError("bad_frame", `There is no place ${place} at a rendezvous`);
  const retryAfterMs = room.limits.takeRendezvous(call.peer.connection.peer.hostname);
  if (retryAfterMs === 0) return;
  room.metrics.rateLimited("rendezvous");
  throw new QightError("rate_limited", "Too many tries with link codes from this address", { retryAfterMs });
}

function addressOf(call: CallContext): string {
  return limitKey(call.peer.connection.peer.hostname);
}
