/**
 * Says in the log whom the relay turned away and why, so that a packet filter may learn of it (docs/operations/public-relay.md).
 * @module
 */
import type { Log } from "./log.ts";

/** Notes that a peer was turned away. The address must be one that the peer has proven to receive at, never a claimed one. */
export type TurnedAway = (ip: string, reason: string) => void;

/** Lines in one second; whoever is turned away a million times must not fill the disk with it. */
const LINES_PER_SECOND = 20;

/** `now` is in milliseconds. What is over the measure is counted, and said with the next line. */
export function createTurnedAway(log: Log, now: () => number): TurnedAway {
  let second = 0, lines = 0, left = 0;
  return (ip, reason) => {
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      second = current;
      lines = 0;
    }
    if (++lines > LINES_PER_SECOND) {
      left++;
      return;
    }
    log.warn("turned away", { ip, reason, ...(left > 0 ? { unsaid: left } : {}) });
    left = 0;
  };
}
