/**
 * Which of two devices of an account is right about a contact: the one that changed it last.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { ACCOUNT_HASH_BYTES } from "../../crypto/account.ts";
import { type SyncedContact, SyncedContactSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { contactName, isShortId } from "../contacts.ts";
import type { OwnContact } from "../storage/store.ts";
import { asQightError } from "../../proto/errors.ts";

/**
 * The one that counts of two states of the same contact: the later change; of two at the same time the larger serialized
 * one, so that all devices choose the same. Commutative, associative and idempotent.
 */
export function newerContact(a: OwnContact, b: OwnContact): OwnContact {
  if (a.changedAtMs !== b.changedAtMs) return a.changedAtMs > b.changedAtMs ? a : b;
  return larger(toBinary(SyncedContactSchema, syncedContact(a)), toBinary(SyncedContactSchema, syncedContact(b)))
    ? a
    : b;
}

/** As it travels. */
export function syncedContact(contact: OwnContact): SyncedContact {
  const { account, name, verified, blocked, addedAtMs, changedAtMs, removed } = contact;
  const times = { addedAtMs: BigInt(addedAtMs), changedAtMs: BigInt(changedAtMs) };
  return create(SyncedContactSchema, { account, name, verified, blocked, removed, ...times });
}

/** What another device said, in the one form that its state has; null for what cannot be a contact. */
export function contactOf(synced: SyncedContact): OwnContact | null {
  const { account, name, verified, blocked, removed, addedAtMs, changedAtMs } = synced;
  if (account.length !== ACCOUNT_HASH_BYTES || addedAtMs > LATEST_MS || changedAtMs > LATEST_MS) return null;
  const times = { addedAtMs: Number(addedAtMs), changedAtMs: Number(changedAtMs) };
  if (removed) return { account, name: "", verified: false, blocked: false, ...times, addedAtMs: 0, removed };
  return isName(name) ? { account, name, verified, blocked, ...times, removed } : null;
}

/** The last moment that a Date can say; a store counts on from it without losing digits. */
export const LATEST_MS = 8_640_000_000_000_000n;

function isName(name: string): boolean {
  try {
    return isShortId(name) || contactName(name) === name;
  } catch (thrown) {
    if (asQightError(thrown).code !== "bad_name") throw thrown;
    return false;
  }
}

function larger(a: Uint8Array, b: Uint8Array): boolean {
  for (let at = 0; at < Math.min(a.length, b.length); at++) if (a[at] !== b[at]) return a[at] > b[at];
  return a.length >= b.length;
}
