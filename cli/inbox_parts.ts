/** What an inbox of a command reads conversations with, and what it keeps of them. @module */
import { type ConversationParts, conversationPartsOf } from "../client/participant_groups.ts";
import type { RelaySource } from "../client/reconnect.ts";
import type { Connected, Messenger } from "./messenger.ts";
import type { Settings } from "./settings.ts";
import { shownName } from "./shown_name.ts";

export type { ConversationParts };

/** Groups over the sessions of `source`; receipts to contacts and lines in the history as the settings say. */
export async function conversationParts(
  messenger: Messenger,
  source: RelaySource,
  room: Connected,
  { receipts, history }: Pick<Settings, "history" | "receipts">,
): Promise<ConversationParts> {
  const names = await messenger.contacts.names();
  const nameOf = (who: Uint8Array) => shownName(who, names);
  const wishes = { sendReceipts: receipts.send, keepHistory: history.keep, nameOf };
  return conversationPartsOf(messenger, source, room, wishes);
}
