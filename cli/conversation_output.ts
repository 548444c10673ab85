/** What happens in conversations besides messages: actions of people, and what becomes of groups. @module */
import type { ActionEvent } from "../client/inbox.ts";
import { formatMessageId } from "../client/message_id.ts";
import { NOTES } from "../client/conversations.ts";
import { type GroupEvent, sentenceOf } from "../client/groups/events.ts";
import { formatAccountId } from "../crypto/account.ts";
import { equal } from "../crypto/equal.ts";
import { escapeLine } from "./escape.ts";
import { rfc3339, whereName } from "./message_output.ts";

/** What accounts are called, and which one is one's own (account hash). */
export interface People {
  readonly nameOf: (account: Uint8Array) => string;
  readonly own: Uint8Array;
}

/** Who did it, as a sentence begins; what comes from the own account came from another device. */
export function speaker(account: Uint8Array, { nameOf, own }: People): string {
  return equal(account, own) ? "another device of yours" : nameOf(account);
}

/** The JSON form of what somebody did in a conversation; `type` is what. */
export function actionFields({ id, from, in: where, seq, sentAtMs, content }: ActionEvent): Record<string, unknown> {
  const common = {
    id: formatMessageId(id),
    from: formatAccountId(from),
    in: whereName(where),
    seq,
    sent_at: rfc3339(sentAtMs),
  };
  const { action } = content;
  switch (action.case) {
    case "reaction":
      return { type: action.case, ...common, target: idOf(action.value.target), emoji: action.value.emoji };
    case "edit":
      return { type: action.case, ...common, target: idOf(action.value.target), text: action.value.text };
    case "deletion":
      return { type: action.case, ...common, target: idOf(action.value.target) };
    case "receipts": {
      const { delivered, read } = action.value;
      return { type: action.case, ...common, delivered: delivered.map(idOf), read: read.map(idOf) };
    }
    case "typing":
      return { type: action.case, ...common, on: action.value.on };
    case "left":
    case undefined:
      return { type: action.case ?? "unknown", ...common };
  }
}

/** One sentence about it for people. */
export function actionText({ from, in: where, content: { action } }: ActionEvent, people: People): string {
  const name = speaker(from, people);
  const who = where.kind === "group" ? `#${escapeLine(where.name)}: ${name}` : name;
  switch (action.case) {
    case "reaction": {
      const { emoji, target } = action.value;
      const what = emoji === "" ? "took a reaction back on" : `reacted ${escapeLine(emoji)} to`;
      return `${who} ${what} ${idOf(target)}`;
    }
    case "edit":
      return `${who} changed ${idOf(action.value.target)} to: ${escapeLine(action.value.text)}`;
    case "deletion":
      return `${who} took ${idOf(action.value.target)} back`;
    case "receipts": {
      const { delivered, read } = action.value;
      const parts = [delivered.length > 0 ? `has ${list(delivered)}` : "", read.length > 0 ? `read ${list(read)}` : ""];
      return `${who} ${parts.filter((part) => part !== "").join(" and ")}`;
    }
    case "typing":
      return `${who} ${action.value.on ? "is typing" : "stopped typing"}`;
    case "left":
      return `${who} leaves`;
    case undefined:
      return `${who} did something that this version does not know`;
  }
}

/** The JSON form of what happened to a group. */
export function groupFields({ type, name, peer, group, atMs, happened }: GroupEvent): Record<string, unknown> {
  const { kind, ...rest } = happened;
  const details = Object.entries(rest).map(([key, value]) => {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return [key === "account" ? "id" : name, value instanceof Uint8Array ? formatAccountId(value) : value];
  });
  const where = peer ? formatAccountId(peer) : name === "" ? null : `#${name}`;
  return { type, event: kind, in: where, group: group.toHex(), at: rfc3339(atMs), ...Object.fromEntries(details) };
}

/** One sentence about it for people. */
export function groupText({ name, peer, group, happened }: GroupEvent, { nameOf, own }: People): string {
  const where = peer
    ? (equal(peer, own) ? NOTES : nameOf(peer))
    : name === ""
    ? `group ${group.toHex().slice(0, 8)}`
    : `#${name}`;
  return escapeLine(`${where}: ${sentenceOf(happened, nameOf, own)}`);
}

/** Whether people want to hear of it unasked: not of what two people need to talk at all, nor of single reactions. */
export function isNews(event: ActionEvent | GroupEvent): boolean {
  if (event.type === "action") return false;
  return event.peer === null || !QUIET.has(event.happened.kind);
}

const QUIET: ReadonlySet<string> = new Set(["joined", "member_added"]);

function idOf(target: Uint8Array): string {
  return formatMessageId(target);
}

function list(ids: readonly Uint8Array[]): string {
  return ids.length <= 3 ? ids.map(idOf).join(", ") : `${ids.length} messages`;
}
