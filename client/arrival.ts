/**
 * "Did it arrive" has one word, the same for people and for scripts.
 * @module
 */
import type { HistoryMark, HistoryRow } from "./storage/store.ts";

/**
 * How far a line got. Written here: `waiting` on disk for a session, `sent` with no word from the relay, `accepted` by it
 * (on its disk), `delivered` to a device of somebody it was for, `read` there; `refused` for good. `kept`: it goes nowhere.
 * Received: `unread` or `read`.
 */
export type Arrival = "waiting" | "sent" | "accepted" | "delivered" | "read" | "refused" | "kept" | "unread";

/** The word for a line; in a group the best that any other member said. */
export function arrivalOf({ state }: Pick<HistoryRow, "state">, marks: readonly HistoryMark[]): Arrival {
  switch (state) {
    case "waiting":
    case "unread":
    case "read":
      return state;
    case "failed":
      return "refused";
    case "note":
      return "kept";
    case "sent":
    case "unknown":
      if (marks.some((mark) => mark.state === "read")) return "read";
      if (marks.length > 0) return "delivered";
      return state === "sent" ? "accepted" : "sent";
  }
}
