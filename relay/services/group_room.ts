/**
 * What serving groups needs of the relay, and who may ask at all.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { CallContext } from "../dispatch.ts";
import type { Limits } from "../limits.ts";
import { type Mailboxes, mailboxKey } from "../mailboxes.ts";
import type { Metrics } from "../metrics.ts";
import type { GroupBounds, Noticed, Store } from "../storage/store.ts";

/** Groups, KeyPackages and the mailboxes that hear of them. */
export interface GroupRoom {
  readonly store: Store;
  readonly mailboxes: Mailboxes;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly retention: () => { readonly defaultTtlMs: number; readonly maxTtlMs: number };
  readonly draining: () => boolean;
  readonly now: () => number;
}

/** Bytes of a group id, of a device key, of an account hash, of a hash. */
export const ID_BYTES = 32;
/** Devices on one roster: 250 members with four each. */
export const MAX_ROSTER = 1000;
/** A device is in at most so many groups; a log is as large as a full mailbox. */
export const BOUNDS: GroupBounds = { maxGroups: 2000, maxLogBytes: 64 * 1024 * 1024 };

/** Refuses new work of a relay that drains, and ids of another length. */
export function admitGroup(room: GroupRoom, group: Uint8Array): void {
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  if (group.length !== ID_BYTES) throw new QightError("bad_frame", "The id of a group has 32 bytes");
}

/** The account of the calling device. Only devices with a mailbox: those cost an account, and accounts are limited. */
export async function accountOfCaller(room: GroupRoom, { peer }: CallContext): Promise<Uint8Array> {
  const bundle = await room.store.bundleOfDevice(peer.device);
  if (bundle) return bundle.account;
  throw new QightError("not_allowed", "Groups are for devices that a published bundle lists");
}

/** Throws `rate_limited` when there is something to wait for. */
export function limited(room: GroupRoom, scope: string, waitMs: number, sentence: string): void {
  if (waitMs === 0) return;
  room.metrics.rateLimited(scope);
  throw new QightError("rate_limited", sentence, { retryAfterMs: waitMs });
}

/** Counts a call that changes a group. */
export function takeGroupCall(room: GroupRoom, { peer }: CallContext): void {
  limited(room, "groups", room.limits.takeGroupCall(peer.device), "Too many changes of groups by this device");
}

/** Wakes those who watch the mailboxes that just got a notice. */
export function wake(room: Pick<GroupRoom, "mailboxes">, notices: readonly Noticed[]): void {
  for (const { device, seq, notice, receivedAtMs, expiresAtMs } of notices) {
    const message = { seq, receivedAtMs, expiresAtMs, envelope: NOTHING, notice };
    room.mailboxes.announce(mailboxKey(device), () => message);
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
