/** Whether a conversation is muted, as people and scripts see it. @module */
import { FOR_GOOD_MS } from "../client/muted.ts";
import { localTime } from "./repl/message_lines.ts";

/** The JSON form, for whoever reads it at `nowMs`; `muted_until` is null unless it ends by itself. */
export function mutedFields(untilMs: number, nowMs: number) {
  const muted = untilMs > nowMs;
  const ends = muted && untilMs < FOR_GOOD_MS;
  return { muted, muted_until: ends ? new Date(untilMs).toISOString() : null };
}

/** What a list says of it: `muted`, `muted until 2026-11-21 18:40`, or nothing. */
export function mutedWords(
  untilMs: number,
  { nowMs, utc }: { readonly nowMs: number; readonly utc: boolean },
): string[] {
  if (untilMs <= nowMs) return [];
  return [untilMs < FOR_GOOD_MS ? `muted until ${localTime(untilMs, utc).join(" ")}` : "muted"];
}
