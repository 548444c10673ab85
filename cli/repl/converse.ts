/** The course of a chat: greeting, typed lines, and what is still to be sent at its end. @module */
import { pause } from "../../client/clock.ts";
import { shortId } from "../../client/conversations.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { orAborted } from "../send_one.ts";
import type { Chat } from "./chat.ts";
import type { Link } from "./link.ts";
import type { Sender } from "./sender.ts";

/** How long the end of a chat waits for the last messages to get out, milliseconds. */
const LAST_WAIT_MS = 3_000;

/** Greets, opens the conversation `key` if one is given, and does what is typed until the end. */
export async function converse(chat: Chat, key: string | null, signal: AbortSignal): Promise<void> {
  const { screen } = chat;
  // Other commands may have sent what waited when the last chat ended.
  await chat.history.settleAll();
  if (screen.interactive) await greet(chat);
  if (key !== null) await chat.openPlace(key);
  await chat.refreshPrompt();
  for (;;) {
    const line = await orAborted(screen.line(), signal);
    if (line === null || !await chat.typed(line)) return;
  }
}

/** Waits a moment for what is under way; the rest waits on disk, and is said to. */
export async function lastMessages(chat: Chat, sender: Sender, link: Link, signal: AbortSignal): Promise<void> {
  // What was done to lines waits too, and is no line.
  if (await chat.history.settleAll() > 0 || (await chat.messenger.outbox.queued()).length > 0) {
    // A script may be over before there was time to connect.
    const patienceMs = chat.screen.interactive ? LAST_WAIT_MS : chat.settings.timeoutMs;
    await Promise.race([sender.idle(), link.untilOffline(), pause(chat.messenger.clock, patienceMs, signal)]);
  }
  const waiting = await chat.history.settleAll();
  if (waiting === 0) return;
  const what = waiting === 1 ? "1 message waits" : `${waiting} messages wait`;
  chat.screen.note(`${what} on disk; the next qight repl, send or fetch brings it to the relay`);
}

async function greet(chat: Chat): Promise<void> {
  const { host, port } = parseRelayAddress(chat.messenger.relayAddress);
  chat.screen.note(`you are ${shortId(chat.own)} at ${host}:${port}; /help lists the commands, ^D ends`);
  const unread = (await chat.conversations.list()).filter((each) => each.unread > 0);
  if (unread.length === 0) return;
  chat.screen.note(
    `unread: ${unread.map(({ title, unread }) => `${title} ${unread}`).join(", ")}; /dm NAME or #NAME shows them`,
  );
}
