/** What a typed line means: a command, a message, or nothing. @module */
import { type Conversations, NOTES, peerOf } from "../../client/conversations.ts";
import { formatAccountId } from "../../crypto/account.ts";
import type { Messenger } from "../messenger.ts";
import type { Settings } from "../settings.ts";

/** Who may be meant. */
export interface People {
  readonly messenger: Messenger;
  readonly settings: Settings;
  readonly conversations: Conversations;
}

/** A line that was understood. */
export type TypedLine =
  | { readonly kind: "nothing" }
  /** `typed` is what stands behind the slash, as it was typed. */
  | { readonly kind: "command"; readonly name: string; readonly words: readonly string[]; readonly typed: string }
  /** `to` is the name after `@`; without one it goes to whoever is open. Empty text only opens. */
  | { readonly kind: "message"; readonly to?: string; readonly text: string }
  /** Empty text only opens. */
  | { readonly kind: "group"; readonly name: string; readonly text: string };

/** Understands a line. What begins with one slash is never a message; `//` is a literal slash. */
export function understand(line: string): TypedLine {
  if (line.trim() === "") return { kind: "nothing" };
  if (line.startsWith("//")) return { kind: "message", text: line.slice(1) };
  if (line.startsWith("/")) {
    const typed = line.slice(1);
    const [name, ...words] = splitWords(typed).words;
    return { kind: "command", name: (name ?? "").toLowerCase(), words, typed };
  }
  const named = /^([@#])([^\s@#]+)(?:\s+|$)([\s\S]*)$/u.exec(line);
  if (named?.[1] === "@") return { kind: "message", to: named[2], text: named[3] };
  if (named?.[1] === "#") return { kind: "group", name: named[2], text: named[3] };
  return { kind: "message", text: line };
}

/**
 * Words of a command; quotes and a backslash keep spaces inside a word. `last` is the end of the line as it stands, `starts`
 * where each word begins.
 */
export function splitWords(text: string): { words: string[]; last: string; starts: number[] } {
  const words: string[] = [];
  const starts: number[] = [];
  let word: string | null = null;
  let start = text.length;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quote === "" && /\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
      continue;
    }
    if (word === null) {
      word = "";
      start = at;
      starts.push(at);
    }
    if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
    else if (character === "\\" && quote !== "'" && at + 1 < text.length) word += text[++at];
    else word += character;
  }
  if (word !== null) words.push(word);
  return { words, last: word === null ? "" : text.slice(start), starts };
}

/** What is said behind so many words, exactly: an apostrophe in a text is no quote. */
export function textBehind(typed: string, words: number): string {
  const { starts } = splitWords(typed);
  return words < starts.length ? typed.slice(starts[words]).trimEnd() : "";
}

/** A word as it must be typed so that it stays one. */
export function quoted(word: string): string {
  return word.replace(/[\s"'\\]/g, "\\$&");
}

/** The line that writes a kept message again, with its recipient, whoever is open then; null when it is not kept. */
export async function typedText({ messenger, conversations }: People, id: Uint8Array): Promise<string | null> {
  const device = messenger.identity.device.publicKey;
  const line = await messenger.store.read(({ history }) => history.written(device, id));
  if (!line || line.deleted) return null;
  const title = (await conversations.titlesOfKeys())(line.conversation);
  const peer = peerOf(line.conversation);
  if (!peer) return `${title} ${line.text}`;
  const name = title === NOTES || !title.startsWith("qid1") ? title : formatAccountId(peer);
  return `@${name} ${line.text}`;
}
