/**
 * What a client keeps of conversations: rows and table of the history.
 * @module
 */

/**
 * How far a line of a conversation got. Received: `unread`, `read`. Written here: `waiting` in the outbox, `sent` when the
 * relay has it, `failed` when it was refused for good, `unknown` when the outbox forgot it. `note`: only kept.
 */
export type HistoryState = "unread" | "read" | "waiting" | "sent" | "failed" | "unknown" | "note";

/** `notice`: no message, but something that happened in the conversation; its text says what. */
export type HistoryKind = "message" | "notice";

/** One line of a conversation. */
export interface HistoryLine {
  /** Name of the conversation; client/conversations.ts makes it. */
  readonly conversation: string;
  /** Account of whoever wrote it: hash, 32 bytes. */
  readonly author: Uint8Array;
  /** Their device key, 32 bytes. */
  readonly device: Uint8Array;
  readonly id: Uint8Array; // 16 bytes
  /** When it was written, by its writer's clock, milliseconds since 1970. */
  readonly atMs: number;
  readonly state: HistoryState;
  readonly verified: boolean;
  readonly text: string;
  /** `message` unless said. */
  readonly kind?: HistoryKind;
  /** Id of the line that it answers, 16 bytes; null for none. */
  readonly replyTo?: Uint8Array | null;
  /** It goes so many seconds after it was read; 0 or absent: it stays. */
  readonly disappearS?: number;
}

/** A line with its place in the order of arrival, and what became of it. */
export interface HistoryRow extends HistoryLine {
  readonly place: number;
  readonly kind: HistoryKind;
  readonly replyTo: Uint8Array | null;
  readonly disappearS: number;
  /** Its author gave it other words later. */
  readonly edited: boolean;
  /** Its author took it back: no words, no files. */
  readonly deleted: boolean;
  /** When it goes, milliseconds since 1970; null when it stays, or has not been read. */
  readonly goneAtMs: number | null;
}

/** Somebody's emoji on a line; each account has one. */
export interface HistoryReaction {
  readonly author: Uint8Array; // account hash, 32 bytes
  readonly emoji: string;
}

/** How far a line that was written here got at somebody else's. */
export interface HistoryMark {
  readonly account: Uint8Array; // account hash, 32 bytes
  readonly state: "delivered" | "read";
}

/** A file to keep with a line; without `data` only what it was. */
export interface HistoryAttachment {
  readonly name: string;
  readonly size: number; // bytes
  readonly data: Uint8Array | null;
  /** Serialized BlobRef of a file that waits at the relay and is wanted. */
  readonly blob?: Uint8Array | null;
}

/** A kept file, without its bytes. */
export interface HistoryFile {
  /** Stays the same for ever: people ask for the file by it. */
  readonly number: number;
  readonly place: number;
  readonly name: string;
  readonly size: number; // bytes
  /** The bytes are here. */
  readonly kept: boolean;
  /** Serialized BlobRef while it waits at the relay; null otherwise. */
  readonly blob: Uint8Array | null;
  /** Where it was saved; null until then. */
  readonly savedAs: string | null;
}

/** A conversation with what is counted of it. */
export interface ConversationRow {
  readonly name: string;
  readonly messages: number;
  readonly unread: number;
  /** When its newest line came, by this machine's clock, milliseconds since 1970. */
  readonly lastAtMs: number;
}

/** Lines of conversations in the order they came, and their files. */
export interface HistoryTable {
  /**
   * Adds a line, at the end or at `place`; a line of this device and id that is there already stays. True when it was
   * added.
   */
  add(line: HistoryLine, files: readonly HistoryAttachment[], nowMs: number, place?: number): boolean;
  setState(device: Uint8Array, id: Uint8Array, state: HistoryState): void;
  /** The newest `limit` lines, oldest first. */
  last(conversation: string, limit: number): HistoryRow[];
  /** Lines in a state, oldest first; of all conversations when none is named. */
  inState(state: HistoryState, conversation?: string): HistoryRow[];
  /** What this device wrote under an id; null when it is not kept. */
  written(device: Uint8Array, id: Uint8Array): HistoryRow | null;
  /** Marks unread lines up to a place as read; those that disappear begin to. */
  markRead(conversation: string, place: number, nowMs: number): void;
  /** All conversations, the liveliest first. */
  conversations(): ConversationRow[];
  /** Files of one line. */
  filesOf(place: number): HistoryFile[];
  /** Files whose bytes are here or wait at the relay, oldest first; of all conversations when none is named. */
  keptFiles(conversation?: string): HistoryFile[];
  file(number: number): HistoryFile | null;
  /** The bytes of a kept file; null when they are not here. */
  bytesOf(number: number): Uint8Array | null;
  /** The file is at `path` now; its bytes, and the key of those at the relay, are erased here. */
  setSaved(number: number, path: string): void;
  /** The file is wanted no more. */
  dropFile(number: number): void;
  /** Bytes of all kept files together. */
  keptBytes(): number;
  /** Removes the oldest read lines of a conversation while it has more than these. */
  trim(conversation: string, limits: { messages: number; bytes: number }): void;
}

/** What happens to lines after they were written. */
export interface HistoryMarksTable {
  /** The line of that id in a conversation, by `author` (account hash) where it is given; the oldest one. */
  find(conversation: string, id: Uint8Array, author?: Uint8Array): HistoryRow | null;
  /** Gives a line other words; one that was taken back stays as it is. */
  edit(place: number, text: string): void;
  /** Takes words, files and reactions of a line away; that there was one stays. */
  erase(place: number): void;
  /** Puts somebody's emoji on a line; an empty one takes it off. */
  react(place: number, author: Uint8Array, emoji: string): void;
  reactionsOf(place: number): HistoryReaction[];
  /** Notes how far a line got; `read` never becomes `delivered` again. */
  mark(place: number, account: Uint8Array, state: HistoryMark["state"]): void;
  marksOf(place: number): HistoryMark[];
  /** Removes the lines whose time is over; answers how many. */
  expire(nowMs: number): number;
  /** When the next line goes, milliseconds since 1970; null when none will. */
  nextEndMs(): number | null;
  /** The newest `limit` lines of all conversations, oldest first. */
  newest(limit: number): HistoryRow[];
  /** The newest `limit` lines that have a word beginning with each of `words`, oldest first. */
  search(words: readonly string[], limit: number, conversation?: string): HistoryRow[];
  /** The newest `limit` lines that hold `text` exactly, oldest first; reads every line. */
  scan(text: string, limit: number, conversation?: string): HistoryRow[];
  /** The first place that is taken, or kept for lines that are still to come. */
  first(): number;
}
