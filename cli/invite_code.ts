/** Reads an invite: words or a link, from the command line, stdin, or the terminal. @module */
import {
  INVITE_WORD_COUNT,
  INVITE_WORDS,
  isInviteLink,
  parseInviteLink,
  parseInviteWords,
  splitInviteWords,
} from "../crypto/invite_code.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { nearName } from "../relay/config/near_name.ts";
import { askInvite } from "./ask_invite.ts";
import type { Output } from "./output.ts";
import { readStdin } from "./read_input.ts";
import type { Settings } from "./settings.ts";

/** A secret, and the relay's address when it came as a link (as it stands there). */
export interface InviteCode {
  readonly secret: Uint8Array; // 16 bytes
  readonly relay?: string;
}

/** Longest text that can hold an invite, bytes. */
const MAX_TEXT = 4096;
const MOST_TRIES = 3;

/** The invite in the arguments; without any it is read from stdin, or asked for when stdin is a terminal. */
export async function readInvite(args: readonly string[], settings: Settings, out: Output): Promise<InviteCode> {
  if (args.length > 0 && args[0] !== "-") return parseInvite(args.join(" "));
  if (args.length === 0 && Deno.stdin.isTerminal()) return await ask(settings, out);
  const text = new TextDecoder().decode(await readStdin(MAX_TEXT)).trim();
  if (text !== "") return parseInvite(text);
  throw new QightError("bad_invite", "There is no invite on standard input", {
    hint: "Give the words or the link there, or on a terminal: qight invite accept.",
  });
}

/** Understands words or a link; `bad_invite` says which word is unknown and which was perhaps meant. */
export function parseInvite(text: string): InviteCode {
  const trimmed = text.trim();
  if (isInviteLink(trimmed)) return parseInviteLink(trimmed);
  const words = splitInviteWords(trimmed);
  const at = words.length === INVITE_WORD_COUNT ? words.findIndex((word) => !INVITE_WORDS.includes(word)) : -1;
  if (at >= 0) throw unknownWord(words[at], at + 1);
  return { secret: parseInviteWords(words) };
}

function unknownWord(word: string, place: number): QightError {
  const near = nearName(word, INVITE_WORDS);
  return new QightError("bad_invite", `Word ${place}, "${word.slice(0, 24)}", is in no invite`, {
    hint: near ? `Did you mean "${near}"?` : "Ask again how it is spelt; TAB completes words.",
  });
}

async function ask(settings: Settings, out: Output): Promise<InviteCode> {
  if (!settings.mayAsk) {
    throw new QightError("bad_invite", "No invite was given", { hint: "qight invite accept - reads it from stdin." });
  }
  for (let tries = 1;; tries++) {
    try {
      return parseInvite(await askInvite("Words or link (TAB completes words): ", INVITE_WORDS));
    } catch (thrown) {
      const { code, message, hint } = asQightError(thrown);
      if (code !== "bad_invite" || tries === MOST_TRIES) throw thrown;
      out.error(`${message}. ${hint}`);
    }
  }
}
