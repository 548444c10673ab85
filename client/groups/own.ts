/**
 * The conversations of an account with several devices: the one that they have among themselves, and all others.
 * @module
 */
import { asQightError, type QightError } from "../../proto/errors.ts";
import { refreshBundles } from "./authentication.ts";
import { type Progress, settleAll } from "./devices.ts";
import { openDirect } from "./direct.ts";
import type { GroupRoom } from "./room.ts";

/**
 * The conversation of the own devices, begun when there is none. `no_key_package` when the account has no other device
 * that can be added.
 */
export function openOwn(room: GroupRoom): Promise<Uint8Array> {
  return openDirect(room, room.account);
}

/**
 * Adds the other devices of the account to all conversations that this one is in, the own one among them; `progress` counts
 * conversations. Idempotent: who is in stays. Answers what could not be done now; a later look does it.
 */
export async function bringInOwnDevices(room: GroupRoom, progress?: Progress): Promise<QightError[]> {
  const errors: QightError[] = [];
  await refreshBundles(room, [room.account]);
  try {
    await openOwn(room);
  } catch (thrown) {
    const error = asQightError(thrown);
    if (![64, 65, 67, 75, 77].includes(error.exit)) throw error;
    errors.push(error);
  }
  return [...errors, ...await settleAll(room, progress)];
}
