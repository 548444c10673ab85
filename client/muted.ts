/**
 * Conversations that make no noise: somebody muted them, for a while or for good, on any device of theirs.
 * @module
 */
import type { ClientStore } from "./storage/store.ts";

/** The setting; its value says until when, in digits: milliseconds since 1970. */
export const MUTED = "muted until";

/** Muted until then is muted for good: a Date can say no later moment. Milliseconds since 1970. */
export const FOR_GOOD_MS = 8_640_000_000_000_000;

/** Until when a value of the setting says, milliseconds since 1970; 0 for an empty one, null for what says nothing. */
export function mutedUntilMs(value: string): number | null {
  if (value === "") return 0;
  const untilMs = /^[1-9]\d{0,15}$/.test(value) ? Number(value) : Infinity;
  return untilMs <= FOR_GOOD_MS ? untilMs : null;
}

/**
 * Mutes a conversation (the other side's account hash, or the group) until `untilMs`, milliseconds since 1970; 0 ends that.
 * Own other devices hear of it.
 */
export async function mute(
  store: ClientStore,
  conversation: Uint8Array,
  { untilMs, nowMs }: { readonly untilMs: number; readonly nowMs: number },
): Promise<void> {
  const value = untilMs <= 0 ? "" : String(Math.min(Math.ceil(untilMs), FOR_GOOD_MS));
  await store.write(({ conversationSettings }) =>
    conversationSettings.put({ conversation, name: MUTED, value, changedAtMs: nowMs })
  );
}

/** Tells until when conversations (account hash or group) were muted, milliseconds since 1970; 0 for never. */
export async function mutedConversations(store: ClientStore): Promise<(conversation: Uint8Array) => number> {
  const all = await store.read(({ conversationSettings }) => conversationSettings.all(MUTED));
  const until = new Map(all.map(({ conversation, value }) => [conversation.toHex(), mutedUntilMs(value) ?? 0]));
  return (conversation) => until.get(conversation.toHex()) ?? 0;
}
