/**
 * What happened in conversations as lines of the history.
 * @module
 */
import { conversationOfGroup, conversationWith, shortId } from "./conversations.ts";
import { type GroupEvent, sentenceOf } from "./groups/events.ts";
import type { History, Notice } from "./history.ts";
import type { Tables } from "./storage/store.ts";

/** What accounts are called, and which one is one's own (account hash). */
export interface NoticeNames {
  readonly nameOf: (account: Uint8Array) => string;
  readonly own: Uint8Array;
}

/** The line that an event of a group becomes; null for what two people need to talk at all. */
export function noticeOf(event: GroupEvent, { nameOf, own }: NoticeNames): Notice | null {
  const { group, peer, place, atMs, happened } = event;
  if (peer && BEGINNINGS.has(happened.kind)) return null;
  const conversation = peer ? conversationWith(peer) : conversationOfGroup(group);
  return { conversation, id: noticeId(group, place), text: sentenceOf(happened, nameOf, own), atMs };
}

/** Keeps own changes (`GroupRoom.onOwnChange`) as lines, so that what is said after them stands after them. */
export function ownChangesInto(history: Pick<History, "noticed">, own: Uint8Array) {
  return (tables: Tables, events: readonly GroupEvent[]): void => {
    const nameOf = (account: Uint8Array) => tables.contacts.ofAccount(account)?.name ?? shortId(account);
    history.noticed(tables, events.flatMap((event) => noticeOf(event, { nameOf, own }) ?? []));
  };
}

const BEGINNINGS: ReadonlySet<string> = new Set(["joined", "member_added"]);

/** The same event told twice is one line: places of events are never used again. */
function noticeId(group: Uint8Array, place: number): Uint8Array {
  const id = group.slice(0, 16);
  new DataView(id.buffer).setBigUint64(8, BigInt(place));
  return id;
}
