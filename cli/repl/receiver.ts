/** What arrives while a chat goes on: into the history and acknowledged first, then onto the screen. @module */
import { Inbox } from "../../client/inbox.ts";
import type { InboxEvent, InboxMessage } from "../../client/inbox_events.ts";
import { QightError } from "../../proto/errors.ts";
import { type Notice, noticeText } from "../event_output.ts";
import { conversationParts } from "../inbox_parts.ts";
import type { Connected } from "../messenger.ts";
import type { Chat } from "./chat.ts";
import { saveFolder, saveKept } from "./files.ts";
import { acted, groupsChanged } from "./happenings.ts";
import type { Link } from "./link.ts";

/** Reads the mailbox until the signal aborts, or another reader takes it over. */
export async function receive(chat: Chat, link: Link, signal: AbortSignal): Promise<void> {
  try {
    const inbox = await openInbox(chat, link, await link.room(signal));
    for await (const page of inbox.pages({ follow: true, signal })) {
      for (const event of page) {
        if (SHOWN_OTHERWISE.has(event.type)) continue;
        const people = { nameOf: await chat.conversations.titles(), own: chat.own };
        chat.screen.note(await noticeText(event as Notice, people));
      }
      await groupsChanged(chat, page);
      await take(chat, inbox, page.filter((event) => event.type === "message"));
      await acted(chat, page);
      if (page.some(({ type }) => type === "history_part")) chat.inStep.soon();
      if (page.some(({ type }) => type === "read_elsewhere")) await chat.refreshPrompt();
    }
  } catch (thrown) {
    if (signal.aborted) return;
    if (!(thrown instanceof QightError) || thrown.code !== "lease_lost") throw thrown;
    chat.screen.warn(
      "another qight reads this mailbox now, and new messages go there; you can write on, or start again to read here",
    );
  }
}

const SHOWN_OTHERWISE: ReadonlySet<InboxEvent["type"]> = new Set([
  "message",
  "caught_up",
  "action",
  "group",
  "history_part",
  "read_elsewhere",
]);

/** A chat keeps everything, whatever `[history]` says of send and fetch. */
async function openInbox({ messenger, settings }: Chat, link: Link, room: Connected): Promise<Inbox> {
  const { store, directory, identity, clock } = messenger;
  const wishes = { receipts: settings.receipts, history: { keep: true } };
  return new Inbox({
    source: link,
    store,
    directory,
    device: identity.device.publicKey,
    clock,
    ...await conversationParts(messenger, link, room, wishes),
  });
}

async function take(chat: Chat, inbox: Inbox, arrived: readonly InboxMessage[]): Promise<void> {
  if (arrived.length === 0) return;
  const { history } = chat;
  const fitting = await history.fitting(arrived);
  const mine = await inbox.keep(fitting, (tables, messages) => history.arrived(tables, messages));
  await autoSave(chat, mine);
  await chat.arrived(await history.linesOf(mine));
  if (fitting.length < arrived.length) {
    const left = arrived.length - fitting.length;
    chat.screen.warn(`no room for the files of ${left} messages, which stay at the relay: /download makes room`);
  }
}

/** Files of contacts go to disk by themselves when config.toml says so (`[files] auto_accept`), up to `max`. */
async function autoSave(chat: Chat, messages: readonly InboxMessage[]): Promise<void> {
  const { autoAccept, max } = chat.settings.saving;
  if (!autoAccept) return;
  for (const { from, fromDevice, id } of messages) {
    if (!await chat.messenger.contacts.ofAccount(from)) continue;
    const [line] = await chat.history.linesOf([{ fromDevice, id }]);
    for (const { number, size, kept, blob } of line?.files ?? []) {
      if ((!kept && !blob) || size > max) continue;
      try {
        await saveKept(chat, number, saveFolder(chat));
      } catch (thrown) {
        if (!(thrown instanceof QightError)) throw thrown;
        chat.screen.warn(`file ${number} was not saved: ${thrown.message}`);
      }
    }
  }
}
