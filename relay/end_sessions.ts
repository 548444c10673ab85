/**
 * Ends the sessions of devices that may not speak any more: revoked, signed out, suspended, or of an account that ended.
 * @module
 */
import { errorTable, type QightError } from "../proto/errors.ts";
import { mailboxKey } from "./mailboxes.ts";
import type { Peer } from "./peer.ts";

/** How long the last answers may be on their way: a transport's close throws away what is (RFC 9000 §10.2). */
const FLUSH_MS = 300;

/**
 * Ends all connections of these devices, but the one of `except`; answers how many. From now on each of their calls, and
 * each further message of a call under way, is refused with the reason; who waits hears it. What is being stored still
 * gets its answer: the connection ends a moment later.
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
    if (peer === except || !isOf(peer, ending)) continue;
    if (peer.session) peer.session = { ...peer.session, refusal: reason };
    for (const call of peer.calls) call.end(reason);
    const close = () => peer.connection.close(errorTable[reason.code].number, reason.message);
    const timer = setTimeout(close, FLUSH_MS);
    void peer.connection.closed.then(() => clearTimeout(timer));
    ended++;
  }
  return ended;
}

/** Also a HELLO under way: it may have been found good a moment before the list changed. */
function isOf({ session, proving }: Peer, devices: ReadonlySet<string>): boolean {
  return session ? devices.has(session.mailbox) : proving.size > 0 && !proving.isDisjointFrom(devices);
}
