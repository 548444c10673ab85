/**
 * A line of a history as it moves to another device, and back.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { ACCOUNT_HASH_BYTES } from "../../crypto/account.ts";
import { type MovedLine, MovedLineSchema } from "../../proto/gen/qight/v1/history_pb.ts";
import { conversationOfGroup, conversationWith, groupOf, peerOf } from "../conversations.ts";
import { LATEST_MS } from "../own_sync/contact.ts";
import { isEmoji } from "../history_actions.ts";
import type { ImportedLine } from "../history_import.ts";
import type { HistoryRow, HistoryState, Tables } from "../storage/store.ts";

/** What waits to go out here goes out here: there nobody knows what became of it. */
const STATES: Readonly<Record<HistoryState, HistoryState>> = {
  unread: "unread",
  read: "read",
  waiting: "unknown",
  sent: "sent",
  failed: "failed",
  unknown: "unknown",
  note: "note",
};
const MOVED: ReadonlySet<string> = new Set(Object.values(STATES));
const MAX_FILES = 1_000;
const MAX_PEOPLE = 10_000;

/** A kept line with its files, reactions and marks, as the history has them; inside a read. */
export function keptLine({ history, historyMarks }: Tables, row: HistoryRow): ImportedLine {
  const { place } = row;
  return {
    ...row,
    files: history.filesOf(place).map(({ name, size, blob }) => ({ name, size, blob })),
    reactions: historyMarks.reactionsOf(place),
    marks: historyMarks.marksOf(place),
  };
}

/** As it travels. */
export function movedLine(number: number, line: ImportedLine): MovedLine {
  const { conversation, author, device, id, atMs, state, verified, text, edited, deleted, replyTo, kind } = line;
  return create(MovedLineSchema, {
    number: BigInt(number),
    peer: peerOf(conversation) ?? new Uint8Array(0),
    group: groupOf(conversation) ?? new Uint8Array(0),
    author,
    device,
    id,
    atMs: BigInt(atMs),
    state: STATES[state],
    verified,
    text,
    notice: kind === "notice",
    replyTo: replyTo ?? new Uint8Array(0),
    edited,
    deleted,
    files: line.files.map(({ name, size, blob }) => ({ name, size: BigInt(size), blob: blob ?? new Uint8Array(0) })),
    reactions: line.reactions.map(({ author, emoji }) => ({ account: author, emoji })),
    marks: line.marks.map(({ account, state }) => ({ account, read: state === "read" })),
  });
}

/** The line that came; null for what no history holds. */
export function lineOf(moved: MovedLine): ImportedLine | null {
  const { peer, group, author, device, id, atMs, state, replyTo, files, reactions, marks } = moved;
  const whole = peer.length + group.length === 32 && peer.length % 32 === 0 && isAccount(author) &&
    device.length === 32 && id.length === 16 && (replyTo.length === 0 || replyTo.length === 16) &&
    atMs <= LATEST_MS && MOVED.has(state);
  const bounded = files.length <= MAX_FILES && reactions.length <= MAX_PEOPLE && marks.length <= MAX_PEOPLE &&
    files.every(({ size }) => size <= BigInt(Number.MAX_SAFE_INTEGER)) &&
    reactions.every(({ account, emoji }) => isAccount(account) && emoji !== "" && isEmoji(emoji)) &&
    marks.every(({ account }) => isAccount(account));
  if (!whole || !bounded) return null;
  return {
    conversation: peer.length > 0 ? conversationWith(peer) : conversationOfGroup(group),
    author,
    device,
    id,
    atMs: Number(atMs),
    state: state as HistoryState,
    verified: moved.verified,
    text: moved.text,
    kind: moved.notice ? "notice" : "message",
    replyTo: replyTo.length > 0 ? replyTo : null,
    edited: moved.edited,
    deleted: moved.deleted,
    files: files.map(({ name, size, blob }) => ({ name, size: Number(size), blob: blob.length > 0 ? blob : null })),
    reactions: reactions.map(({ account, emoji }) => ({ author: account, emoji })),
    marks: marks.map(({ account, read }) => ({ account, state: read ? "read" : "delivered" })),
  };
}

function isAccount(bytes: Uint8Array): boolean {
  return bytes.length === ACCOUNT_HASH_BYTES;
}
