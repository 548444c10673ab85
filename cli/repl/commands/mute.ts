/** `/mute`: a conversation that does not ring. @module */
import { conversationId } from "../../../client/conversations.ts";
import { FOR_GOOD_MS, mute as muteConversation } from "../../../client/muted.ts";
import { QightError } from "../../../proto/errors.ts";
import { parseDuration } from "../../../relay/config/durations.ts";
import type { SlashCommand } from "../command.ts";

/** Of the open conversation, here and on the own other devices. */
export const mute: SlashCommand = {
  name: "mute",
  args: "[duration|off]",
  summary: "no bell for what is said here, for good or so long",
  more: [
    "Like /mute 8h; /mute alone is for good, /mute off lets it ring again. What is said arrives and counts as unread as",
    "before; the others are told nothing. Your other devices keep to it too. Nothing rings without notify in [repl] of",
    "config.toml.",
  ],
  words: [["1h", "8h", "7d", "off"]],
  count: [0, 1],
  async run(chat, [word]) {
    const conversation = conversationId(chat.openKey())!;
    const nowMs = chat.messenger.clock.now();
    const untilMs = word === "off" ? 0 : word === undefined ? FOR_GOOD_MS : nowMs + timeOf(word);
    await muteConversation(chat.messenger.store, conversation, { untilMs, nowMs });
    const title = await chat.titleOf(chat.openKey());
    const state = word === "off" ? "rings again" : word === undefined ? "is muted" : `is muted for ${word}`;
    chat.screen.note(`${title} ${state}`);
  },
};

function timeOf(word: string): number {
  const ms = parseDuration(word);
  if (ms > 0) return ms;
  throw new QightError("bad_duration", "A conversation is muted for a second at least", { hint: "/mute off ends it." });
}
