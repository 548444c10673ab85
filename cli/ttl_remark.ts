/** Says that a relay keeps messages for a shorter time than was asked for. @module */
import { formatDuration } from "../relay/config/durations.ts";
import type { Output } from "./output.ts";

/** One remark when `ttlS` is above the relay's longest life of a message; both in seconds. */
export function remarkOnTtl(out: Output, ttlS: number, session: { readonly maxTtlS: number }): void {
  if (ttlS <= session.maxTtlS) return;
  const [asked, longest] = [ttlS, session.maxTtlS].map((seconds) => formatDuration(seconds * 1000));
  out.note(`--ttl ${asked} is more than this relay allows: unread, the message expires after ${longest}`);
}
