/** Reads an invite or a link code: words or a link, from the command line, stdin, or the terminal. @module */
import {
  type CodeKind,
  INVITE_CODE,
  INVITE_WORD_COUNT,
  INVITE_WORDS,
  isInviteLink,
  LINK_CODE,
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

/** Where a code is wanted. */
interface Wanted {
  readonly kind: CodeKind;
  /** The command that reads it from stdin. */
  readonly command: string;
}

const INVITE: Wanted = { kind: INVITE_CODE, command: "qight invite accept -" };
/** For `readInvite`: the code of another device. */
export const LINK: Wanted = { kind: LINK_CODE, command: "qight device link -" };

/** Longest text that can hold an invite, bytes. */
const MAX_TEXT = 4096;
const MOST_TRIES = 3;

/** The code in the arguments; without any it is read from stdin, or asked for when stdin is a terminal. */
export async function readInvite(
  args: readonly string[],
  settings: Settings,
  out: Output,
  wanted: Wanted = INVITE,
): Promise<InviteCode> {
  const { kind, command } = wanted;
  if (args.length > 0 && args[0] !== "-") return parseInvite(args.join(" "), kind);
  // Who has to say "-" for stdin (without anything the command means something else) may sit at a terminal all the same.
  if ((args.length === 0 || wanted === LINK) && Deno.stdin.isTerminal()) return await ask(settings, out, wanted);
  const text = new TextDecoder().decode(await readStdin(MAX_TEXT)).trim();
  if (text !== "") return parseInvite(text, kind);
  throw new QightError(kind.error, `There is no ${bare(kind)} on standard input`, {
    hint: `Give the words or the link there, or on a terminal: ${
      command.replace(INVITE.command, "qight invite accept")
    }.`,
  });
}

/** Understands words or a link; `bad_invite` (`bad_code`) says which word is unknown and which was perhaps meant. */
export function parseInvite(text: string, kind: CodeKind = INVITE_CODE): InviteCode {
  const trimmed = text.trim();
  if (isInviteLink(trimmed)) return parseInviteLink(trimmed, kind);
  const words = splitInviteWords(trimmed);
  const at = words.length === INVITE_WORD_COUNT ? words.findIndex((word) => !INVITE_WORDS.includes(word)) : -1;
  if (at >= 0) throw unknownWord(words[at], at + 1, kind);
  return { secret: parseInviteWords(words, kind) };
}

/** Without its article. */
function bare({ noun }: CodeKind): string {
  return noun.replace(/^an? /, "");
}

function unknownWord(word: string, place: number, kind: CodeKind): QightError {
  const near = nearName(word, INVITE_WORDS);
  return new QightError(kind.error, `Word ${place}, "${word.slice(0, 24)}", is in no ${bare(kind)}`, {
    hint: near ? `Did you mean "${near}"?` : "Ask again how it is spelt; TAB completes words.",
  });
}

async function ask(settings: Settings, out: Output, { kind, command }: Wanted): Promise<InviteCode> {
  if (!settings.mayAsk) {
    throw new QightError(kind.error, `No ${bare(kind)} was given`, { hint: `${command} reads it from stdin.` });
  }
  for (let tries = 1;; tries++) {
    try {
      return parseInvite(await askInvite("Words or link (TAB completes words): ", INVITE_WORDS), kind);
    } catch (thrown) {
      const { code, message, hint } = asQightError(thrown);
      if (code !== kind.error || tries === MOST_TRIES) throw thrown;
      out.error(`${message}. ${hint}`);
    }
  }
}
