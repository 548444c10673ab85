/** What a chat does to lines besides saying something, and tells by the way: reactions, edits, read marks, typing. @module */
import { systemRandom } from "../../client/clock.ts";
import { peerOf } from "../../client/conversations.ts";
import { tellRead, tellTyping, type Told } from "../../client/courtesies.ts";
import type { KeptLine } from "../../client/history.ts";
import { equal } from "../../crypto/equal.ts";
import type { Content } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { Chat } from "./chat.ts";
import { conversationGroup, groupBehind, knownGroups } from "./group_words.ts";

/** In a larger group everybody would hear from everybody of each line, as client/delivery_receipts.ts has it. */
const MOST_DEVICES = 20;

/** Whoever is told forgets it after eight seconds (cli/repl/typists.ts). */
const TELL_EVERY_MS = 5_000;

/** Does something to a line of the open conversation, here and at the others, and shows the line as it is now. */
export async function act(chat: Chat, content: Content, line: KeptLine): Promise<void> {
  const peer = peerOf(line.conversation);
  // Only conversations carry what is no message; between two people it begins with the first.
  if (peer && !equal(peer, chat.own)) await conversationGroup(chat);
  await chat.send(line.conversation, content);
  await chat.showLines(await chat.history.at(line.conversation, [line.id]));
}

/** These lines were looked at; contacts in conversations are told so, unless config.toml says no. */
export async function readNow(chat: Chat, lines: readonly KeptLine[]): Promise<void> {
  const unread = lines.filter(({ state }) => state === "unread");
  if (unread.length === 0) return;
  await chat.history.markRead(unread);
  chat.inStep.soon();
  if (!chat.settings.receipts.send) return;
  for (const [key, same] of Map.groupBy(unread, ({ conversation }) => conversation)) {
    const ids: Uint8Array[] = [];
    for (const { author, id } of same) if (await chat.messenger.contacts.ofAccount(author)) ids.push(id);
    if (ids.length > 0) chat.courtesy((room) => tellIn(chat, key, (told) => tellRead(room, told, ids, chance(chat))));
  }
}

/** Tells the others in the open conversation that one's own person types, or stopped; nobody when there is none. */
export function typingNow(chat: Chat, on: boolean): void {
  const key = chat.open;
  if (key === null) return;
  chat.courtesy((room) => tellIn(chat, key, (told) => tellTyping(room, told, on, chance(chat))));
}

/** A key was pressed: the others see it if they shall, once in a while, and nobody sees a command being typed. */
export function keyPressed(chat: Chat, line: string): void {
  const nowMs = chat.messenger.clock.now();
  if (!chat.typingNotify || line.trim() === "" || line.startsWith("/")) return;
  if (nowMs < chat.toldTypingAtMs + TELL_EVERY_MS) return;
  chat.toldTypingAtMs = nowMs;
  typingNow(chat, true);
}

async function tellIn(chat: Chat, key: string, tell: (told: Told) => Promise<void>): Promise<void> {
  const told = await toldIn(chat, key);
  if (told) await tell(told);
}

/** The group behind a conversation, if there is one that is small enough; null otherwise. */
async function toldIn(chat: Chat, key: string): Promise<Told | null> {
  const row = await groupBehind(chat, key);
  if (!row || row.kind === "direct") return row;
  const { members } = await knownGroups(chat).show(row.group);
  return members.reduce((sum, { devices }) => sum + devices.length, 0) > MOST_DEVICES ? null : row;
}

function chance({ messenger }: Chat) {
  return { nowMs: messenger.clock.now(), random: systemRandom };
}
