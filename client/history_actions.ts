/**
 * What a content without a body does to lines that are there: reactions, edits, deletions, receipts.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { Content } from "../proto/gen/qight/v1/seal_pb.ts";
import type { HistoryRow, HistoryState, Tables } from "./storage/store.ts";

/** Something that somebody did to lines of a conversation. */
export interface HistoryAction {
  /** The store's name of the conversation. */
  readonly conversation: string;
  /** Who did it: account hash, 32 bytes. */
  readonly author: Uint8Array;
  readonly content: Content;
}

/** What changed: the lines, in the order in which they were named; `receipt` when only their marks did. */
export interface HistoryChange {
  readonly kind: "reaction" | "edit" | "deletion" | "receipt";
  readonly author: Uint8Array;
  readonly conversation: string;
  readonly places: readonly number[];
}

/** Longest emoji of a reaction, bytes: a family with skin tones has 41 (Unicode TR #51). */
const MAX_EMOJI_BYTES = 64;

/**
 * Does it; for the transaction that marks it as shown. Only the author of a line may edit it or take it back. Null when it
 * changes nothing here: the line is not kept (any more), is somebody else's, or the content is no action.
 */
export function applyAction(tables: Tables, { conversation, author, content }: HistoryAction): HistoryChange | null {
  const { historyMarks } = tables;
  const { action } = content;
  const changed = (kind: HistoryChange["kind"], lines: readonly (HistoryRow | null)[]): HistoryChange | null => {
    const places = lines.flatMap((line) => line ? [line.place] : []);
    return places.length > 0 ? { kind, author, conversation, places } : null;
  };
  switch (action.case) {
    case "reaction": {
      const line = historyMarks.find(conversation, action.value.target);
      const { emoji } = action.value;
      if (!line || line.deleted || !isEmoji(emoji)) return null;
      historyMarks.react(line.place, author, emoji);
      return changed("reaction", [line]);
    }
    case "edit": {
      const line = historyMarks.find(conversation, action.value.target, author);
      if (!line || line.deleted || line.text === action.value.text) return null;
      historyMarks.edit(line.place, action.value.text);
      return changed("edit", [line]);
    }
    case "deletion": {
      const line = historyMarks.find(conversation, action.value.target, author);
      if (!line || line.deleted) return null;
      historyMarks.erase(line.place);
      return changed("deletion", [line]);
    }
    case "receipts": {
      const { delivered, read } = action.value;
      const marked = (ids: readonly Uint8Array[], state: "delivered" | "read") =>
        ids.map((id) => {
          const line = historyMarks.find(conversation, id);
          // Only what was written here has receipts, and nobody gives them for lines of their own.
          if (!line || RECEIVED.has(line.state) || equal(line.author, author)) return null;
          historyMarks.mark(line.place, author, state);
          return line;
        });
      return changed("receipt", [...marked(delivered, "delivered"), ...marked(read, "read")]);
    }
    default:
      return null;
  }
}

/** Whether a text can be a reaction: short, one word, and nothing that steers. Empty takes a reaction back. */
export function isEmoji(text: string): boolean {
  return new TextEncoder().encode(text).length <= MAX_EMOJI_BYTES && !/[\s\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text) &&
    !BIDI.test(text);
}

const RECEIVED = new Set<HistoryState>(["unread", "read", "note"]);

// Zero-width joiner and variation selectors are parts of emoji; what changes the direction of a line is not.
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;
