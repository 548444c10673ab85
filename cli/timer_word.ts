/** How long lines stay after they were read, as people write it. @module */
import { QightError } from "../proto/errors.ts";
import { parseDuration } from "../relay/config/durations.ts";

/** Whole seconds of a duration, 0 for `off`; `bad_duration` for what is neither. */
export function timerSeconds(word: string): number {
  if (word === "off") return 0;
  const seconds = Math.ceil(parseDuration(word) / 1000);
  if (seconds >= 1) return seconds;
  throw new QightError("bad_duration", "Lines stay a second at least", { hint: "off lets them stay for ever." });
}
