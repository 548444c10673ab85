/** What a slash command says about itself, as data: help, TAB and parsing read the same rows. @module */
import type { Chat } from "./chat.ts";

/** What TAB offers for a word of a command. */
export type WordKind = "contact" | "group" | "conversation" | "path" | "command" | "invite word" | readonly string[];

/** One slash command. */
export interface SlashCommand {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Its words, for people: `<name> [text]`. */
  readonly args?: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** More lines for `/help NAME`. */
  readonly more?: readonly string[];
  /** What its words are; the last kind counts for all later words. */
  readonly words?: readonly WordKind[];
  /** Fewest and most words; none unless given. */
  readonly count?: readonly [fewest: number, most: number];
  /** Its words are secrets: it is not noted in the file of typed lines. */
  readonly secret?: boolean;
  /** Does it; `"quit"` ends the chat. `textFrom`: what was typed from that word on, as it was typed. */
  run(chat: Chat, words: readonly string[], textFrom: (word: number) => string): Promise<void | "quit">;
}
