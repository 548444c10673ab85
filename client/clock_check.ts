/**
 * Two clocks against each other: what this device deletes and dates by its own clock is safe only while that is not wrong.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import type { Clock } from "./clock.ts";
import type { RelayClient } from "./relay_client.ts";

/** How far ahead of the relay's clock ours may be before we do nothing by it. Every time limit here has more room. */
const MOST_AHEAD_MS = 24 * 60 * 60 * 1000;

/**
 * Throws `from_the_future` when our clock is more than a day ahead of the relay's: sealing keys would be erased, marks
 * of what was shown forgotten and mail called too old before their time. A clock that is behind does none of that.
 */
export function refuseClockAhead(clock: Pick<Clock, "now">, relay: Pick<RelayClient, "relayNowMs">): void {
  const aheadMs = clock.now() - relay.relayNowMs();
  if (aheadMs <= MOST_AHEAD_MS) return;
  const days = Math.round(aheadMs / MOST_AHEAD_MS);
  throw new QightError("from_the_future", `This machine's clock is ${days} days ahead of the relay's`, {
    hint: "Check this machine's clock. Nothing was deleted or changed.",
  });
}

/** The date to put on what a relay must take: ours, or the relay's when ours is ahead of it; milliseconds since 1970. */
export function dateForRelay(clock: Pick<Clock, "now">, relay: Pick<RelayClient, "relayNowMs">): number {
  return Math.min(clock.now(), relay.relayNowMs());
}
