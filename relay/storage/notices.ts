/**
 * Notices about groups as they lie in a mailbox: 32 bytes of group id, one of kind, eight of epoch.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { GroupNotice } from "./group_store.ts";
import type { StoreLimits } from "./store.ts";

/** Bytes that a notice counts for. */
export const NOTICE_BYTES = 41;

/** By their numbers on disk. */
const kinds = ["welcome", "commit", "removed", "reopened", "key_packages", "members"] as const;

/** The bytes of a notice. */
export function encodeNotice({ group, kind, epoch }: GroupNotice): Uint8Array {
  const bytes = new Uint8Array(NOTICE_BYTES);
  bytes.set(group);
  bytes[32] = kinds.indexOf(kind);
  new DataView(bytes.buffer).setFloat64(33, epoch);
  return bytes;
}

/** The notice again; `store_damaged` for anything else. */
export function decodeNotice(bytes: Uint8Array): GroupNotice {
  const epoch = bytes.length === NOTICE_BYTES ? new DataView(bytes.buffer, bytes.byteOffset).getFloat64(33) : -1;
  const kind = kinds[bytes[32]];
  if (kind === undefined || !Number.isSafeInteger(epoch) || epoch < 0) {
    throw new QightError("store_damaged", "A notice in a mailbox is not a notice");
  }
  return { group: Uint8Array.from(bytes.subarray(0, 32)), kind, epoch };
}

/**
 * Whether there is room for one. What every commit brings, what many get, and what clients ask for by themselves, never
 * takes the last half of a mailbox: it is a hint that is given in other ways as well, and whoever is away for long shall
 * still get messages.
 */
export function noticeFits(
  kind: GroupNotice["kind"],
  mailbox: { readonly messages: number; readonly bytes: number },
  limits: StoreLimits,
): boolean {
  const share = kind === "commit" || kind === "key_packages" || kind === "members" ? 0.5 : 1;
  return mailbox.messages < limits.maxQueue * share && mailbox.bytes + NOTICE_BYTES <= limits.maxQueueBytes * share;
}
