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
export async function askSecret(question: string): Promise<string> {
  using tty = await Deno.open("/dev/tty", { read: true, write: true });
  const say = (text: string) => tty.writeSync(new TextEncoder().encode(text));
  // Raw before the question: who types the moment it appears must not be shown.
  tty.setRaw(true);
  say(question);
  try {
    const typed: number[] = [];
    const byte = new Uint8Array(1);
    for (;;) {
      if (await tty.read(byte) === null || byte[0] === 3) throw new QightError("interrupted");
      if (byte[0] === 13 || byte[0] === 10) break;
      if (byte[0] === 127 || byte[0] === 8) dropLastCharacter(typed);
      else if (byte[0] === 21) typed.length = 0; // ^U
      else if (byte[0] >= 32) typed.push(byte[0]);
    }
    return new TextDecoder().decode(Uint8Array.from(typed));
  } finally {
    tty.setRaw(false);
    say("\n");
  }
}

/** Asks a question that is answered with a line. */
export async function askLine(question: string): Promise<string> {
  using tty = await Deno.open("/dev/tty", { read: true, write: true });
  tty.writeSync(new TextEncoder().encode(question));
  const buffer = new Uint8Array(1024);
  const count = await tty.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0)).trim();
}

/** UTF-8 continuation bytes are 10xxxxxx (RFC 3629 §3): one backspace takes a whole character. */
function dropLastCharacter(bytes: number[]): void {
  while (bytes.length > 0 && (bytes.pop()! & 0xc0) === 0x80);
}
