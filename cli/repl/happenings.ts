/** What arrives in a chat and is no message: actions on lines, who is typing, what becomes of groups. @module */
import { conversationIn } from "../../client/conversations.ts";
import { noticeOf } from "../../client/history_notices.ts";
import type { ActionEvent, InboxEvent } from "../../client/inbox_events.ts";
import type { GroupEvent } from "../../client/groups/events.ts";
import { groupText } from "../conversation_output.ts";
import { escapeLine } from "../escape.ts";
import type { Chat } from "./chat.ts";

/** Shows what became of groups; the history has it already. */
export async function groupsChanged(chat: Chat, page: readonly InboxEvent[]): Promise<void> {
  for (const event of page) if (event.type === "group") await changed(chat, event);
}

/** Shows what people did to lines; the history has it already. */
export async function acted(chat: Chat, page: readonly InboxEvent[]): Promise<void> {
  const actions = page.filter((event) => event.type === "action");
  for (const action of actions) await showAction(chat, action);
  if (actions.length > 0) await chat.refreshPrompt();
}

async function showAction(chat: Chat, { from, in: where, content: { action } }: ActionEvent): Promise<void> {
  const key = conversationIn(where);
  const who = await chat.title(from);
  switch (action.case) {
    case "typing":
      return chat.typists.noted(key, who, action.value.on);
    case "edit":
    case "deletion":
      return await showAgain(chat, key, action.value.target);
    case "reaction": {
      const [line] = await chat.history.at(key, [action.value.target]);
      if (!line) return;
      const what = action.value.emoji === ""
        ? "took a reaction back from"
        : `reacted ${escapeLine(action.value.emoji)} to`;
      const begin = [...escapeLine(line.text)].slice(0, 40).join("");
      const place = key === chat.open ? "" : `${await chat.titleOf(key)}: `;
      return chat.screen.note(`${place}${who} ${what} "${begin}"`);
    }
    default:
      // Receipts show as marks of their lines; that somebody left is told by the group.
      return;
  }
}

async function showAgain(chat: Chat, key: string, target: Uint8Array): Promise<void> {
  await chat.showLines(await chat.history.at(key, [target]), { elsewhere: true });
}

async function changed(chat: Chat, event: GroupEvent): Promise<void> {
  const titles = await chat.conversations.titles();
  const names = { nameOf: titles, own: chat.own };
  if (noticeOf(event, names)) chat.screen.note(groupText(event, names));
}
