/**
 * Notices a relay that is there and says nothing: a session that is lost without having ended.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import type { Clock } from "./clock.ts";

/** What can stand still: answers that came, and envelopes that wait for one. */
export interface Answered {
  readonly answers: number;
  readonly underWay: number;
}

/**
 * Aborts with `timeout` when something is under way and nothing was answered for `stallMs` milliseconds. Answers what
 * ends the watch.
 */
export function watchForStall(
  wire: Answered,
  { clock, stallMs, abort }: { clock: Clock; stallMs: number; abort: AbortController },
): () => void {
  let answers = wire.answers;
  let cancel = () => {};
  const watch = () => {
    if (wire.underWay > 0 && wire.answers === answers) {
      return abort.abort(new QightError("timeout", `The relay answered nothing for ${stallMs} ms`));
    }
    answers = wire.answers;
    cancel = clock.after(stallMs, watch);
  };
  cancel = clock.after(stallMs, watch);
  return () => cancel();
}
