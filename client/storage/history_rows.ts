/**
 * What a client keeps of conversations: rows and table of the history.
 * @module
 */

/**
 * How far a line of a conversation got. Received: `unread`, `read`. Written here: `waiting` in the outbox, `sent` when the
 * relay has it, `failed` when it was refused for good, `unknown` when the outbox forgot it. `note`: only kept.
 */
export type HistoryState = "unread" | "read" | "waiting" | "sent" | "failed" | "unknown" | "note";

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
}

/** A line with its place in the order of arrival. */
export interface HistoryRow extends HistoryLine {
  readonly place: number;
}

/** A file to keep with a line; without `data` only what it was. */
export interface HistoryAttachment {
  readonly name: string;
  readonly size: number; // bytes
  readonly data: Uint8Array | null;
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
  /** Adds a line; a line of this device and id that is there already stays. True when it was added. */
  add(line: HistoryLine, files: readonly HistoryAttachment[], nowMs: number): boolean;
  setState(device: Uint8Array, id: Uint8Array, state: HistoryState): void;
  /** The newest `limit` lines, oldest first. */
  last(conversation: string, limit: number): HistoryRow[];
  /** Lines in a state, oldest first; of all conversations when none is named. */
  inState(state: HistoryState, conversation?: string): HistoryRow[];
  /** What this device wrote under an id; null when it is not kept. */
  written(device: Uint8Array, id: Uint8Array): HistoryRow | null;
  /** Marks unread lines up to a place as read. */
  markRead(conversation: string, place: number): void;
  /** All conversations, the liveliest first. */
  conversations(): ConversationRow[];
  /** Files of one line. */
  filesOf(place: number): HistoryFile[];
  /** Files whose bytes are here, oldest first; of all conversations when none is named. */
  keptFiles(conversation?: string): HistoryFile[];
  file(number: number): HistoryFile | null;
  /** The bytes of a kept file; null when they are not here. */
  bytesOf(number: number): Uint8Array | null;
  /** The file is at `path` now; its bytes are erased here. */
  setSaved(number: number, path: string): void;
  /** Bytes of all kept files together. */
  keptBytes(): number;
  /** Removes the oldest read lines of a conversation while it has more than these. */
  trim(conversation: string, limits: { messages: number; bytes: number }): void;
}
