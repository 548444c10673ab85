/** Doctor: this machine's clock against the relay's. @module */
import { CLOCK_TOLERANCE_MS } from "../../client/clock.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** More than this is worth a word, milliseconds. */
const NOTICEABLE_MS = 60_000;

/** `aheadMs` is how far this machine is ahead of the relay; messages dated too far ahead are refused. */
export function checkClock(aheadMs: number): Check {
  const off = Math.abs(aheadMs);
  const text = off < 1000
    ? "Agrees with the relay's"
    : `${duration(off)} ${aheadMs > 0 ? "ahead of" : "behind"} the relay's`;
  const hint = "Set this machine's clock (timedatectl set-ntp true); if it is right, tell the relay's operator.";
  if (off > CLOCK_TOLERANCE_MS) return fail("clock", "from_the_future", text, hint);
  return off > NOTICEABLE_MS ? warn("clock", text, hint) : ok("clock", text);
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
