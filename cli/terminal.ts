/** Asks on /dev/tty, so that stdin may carry the message meanwhile. @module */
import { QightError } from "../proto/errors.ts";

/** Whether there is a terminal to ask on. */
export async function hasTerminal(): Promise<boolean> {
  try {
    (await Deno.open("/dev/tty", { read: true, write: true })).close();
    return true;
  } catch (error) {
    // ENXIO: no controlling terminal (tty(4)); it has no class of its own in Deno.
    if (error instanceof Error) return false;
    throw error;
  }
}

/** Asks for a line without showing it; ^C is `interrupted`. */
export function askSecret(question: string): Promise<string> {
  return ask(question, { shown: false });
}

/** Asks a question that is answered with a line; ^C is `interrupted`, at once. */
export async function askLine(question: string): Promise<string> {
  return (await ask(question, { shown: true })).trim();
}

/**
 * The kernel hands over what was typed earlier when the terminal becomes raw, and nothing in Deno empties its queue
 * (tcflush): what comes within so many milliseconds before the question stands there is no answer to it.
 */
const TYPED_AHEAD_MS = 50;

/** Keys by the byte that they send. */
const CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, LINE_FEED = 10, ENTER = 13, CTRL_U = 21, ESCAPE = 27, DELETE = 127;

async function ask(question: string, { shown }: { shown: boolean }): Promise<string> {
  using tty = await Deno.open("/dev/tty", { read: true, write: true });
  const say = (text: string) => tty.writeSync(new TextEncoder().encode(text));
  // Raw before the question: who types the moment it appears must not be shown, and ^C must not wait for Enter.
  tty.setRaw(true);
  try {
    const next = await keysAfterSilence(tty);
    say(question);
    const typed: number[] = [];
    for (;;) {
      const key = await next();
      if (key === ENTER || key === LINE_FEED || key === CTRL_D && shown && typed.length === 0) break;
      if (key === ESCAPE) await skipSequence(next);
      else if (key === BACKSPACE || key === DELETE) {
        if (dropLastCharacter(typed) && shown) say("\b \b");
      } else if (key === CTRL_U) {
        const { length } = new TextDecoder().decode(Uint8Array.from(typed));
        if (shown) say("\b \b".repeat(length));
        typed.length = 0;
      } else if (key >= 32) {
        typed.push(key);
        if (shown) tty.writeSync(Uint8Array.of(key));
      }
    }
    return new TextDecoder().decode(Uint8Array.from(typed));
  } finally {
    tty.setRaw(false);
    say("\n");
  }
}

/** Drops what was typed until now; answers how to read what comes, a byte at a time. ^C and the end are `interrupted`. */
async function keysAfterSilence(tty: Deno.FsFile): Promise<() => Promise<number>> {
  const byte = new Uint8Array(1);
  const read = async () => {
    if (await tty.read(byte) === null || byte[0] === CTRL_C) throw new QightError("interrupted");
    return byte[0];
  };
  // A read that is under way cannot be taken back: the one that finds silence gets the first key of the answer.
  let first: Promise<number> | null = read();
  while (await Promise.race([first, silence()]) !== null) first = read();
  return () => {
    const key = first ?? read();
    first = null;
    return key;
  };
}

function silence(): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, TYPED_AHEAD_MS, null));
}

/** An arrow or another key that sends a sequence (ECMA-48 §5.4) types nothing. */
async function skipSequence(next: () => Promise<number>): Promise<void> {
  if (await next() !== 0x5b) return;
  for (let byte = await next(); byte < 0x40 || byte > 0x7e;) byte = await next();
}

/** UTF-8 continuation bytes are 10xxxxxx (RFC 3629 §3): one backspace takes a whole character. False when there is none. */
function dropLastCharacter(bytes: number[]): boolean {
  if (bytes.length === 0) return false;
  while (bytes.length > 0 && (bytes.pop()! & 0xc0) === 0x80);
  return true;
}
