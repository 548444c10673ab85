/**
 * Ends the sessions of devices that may not speak any more: revoked, signed out, suspended, or of an account that ended.
 * @module
 */
import { errorTable, type QightError } from "../proto/errors.ts";
import { mailboxKey } from "./mailboxes.ts";
import type { Peer } from "./peer.ts";

/**
 * Ends all connections of these devices at once, but the one of `except`; answers how many. What they had under way ends
 * with the reason, and calls that are on their way already are refused with it.
 */
export function endSessions(
  peers: Iterable<Peer>,
  devices: readonly Uint8Array[],
  reason: QightError,
  except?: Peer,
): number {
  if (devices.length === 0) return 0;
  const ending = new Set(devices.map(mailboxKey));
  let ended = 0;
  for (const peer of peers) {
    if (peer === except || !peer.session?.device || !ending.has(peer.session.mailbox)) continue;
    peer.session = { ...peer.session, refusal: reason };
    for (const call of [...peer.calls]) call.abandon(reason);
    peer.connection.close(errorTable[reason.code].number, reason.message);
    ended++;
  }
  return ended;
}
