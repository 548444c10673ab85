/** Says why a long sending stands still, without flooding the terminal. @module */
import type { Clock } from "../client/clock.ts";
import type { QightError } from "../proto/errors.ts";

/** At most one remark in so many milliseconds. */
const REMARK_EVERY_MS = 10_000;

/** What to call at each wait with the relay's refusal; `note` gets one line, at most every 10 s. */
export function waitRemarks(note: (text: string) => void, clock: Pick<Clock, "monotonic">): (why: QightError) => void {
  let notBeforeMs = -Infinity;
  return ({ code, message }) => {
    const nowMs = clock.monotonic();
    if (nowMs < notBeforeMs) return;
    notBeforeMs = nowMs + REMARK_EVERY_MS;
    note(`${message}: waiting${code === "queue_full" ? " for room" : ""}`);
  };
}
