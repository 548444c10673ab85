/** Chooses between a terminal with line editing and plain lines. @module */
import type { Output } from "../output.ts";
import type { Settings } from "../settings.ts";
import { PlainScreen } from "./plain_screen.ts";
import { colourPaint, plainPaint, type Screen } from "./screen.ts";
import type { Complete } from "./terminal_screen.ts";

/** What decides, and what a terminal needs. */
export interface ScreenWishes {
  readonly settings: Settings;
  readonly out: Output;
  readonly signal: AbortSignal;
  readonly complete: Complete;
  /** Lines of earlier days, the newest first. */
  readonly history: () => Promise<readonly string[]>;
}

/** Line editing needs a terminal at both ends that knows cursor movement; `TERM=dumb` says that it knows none. */
export async function openScreen({ settings, out, signal, complete, history }: ScreenWishes): Promise<Screen> {
  if (!Deno.stdin.isTerminal() || !out.onTerminal || settings.env("TERM") === "dumb") {
    return new PlainScreen(out, signal);
  }
  if (await isAnothersTerminal()) {
    out.error(
      "This terminal belongs to another user, as it does after su: keys arrive late on it, so whole lines are taken, " +
        "without editing.\nOn a terminal of your own: script -qc 'qight repl' /dev/null",
    );
    return new PlainScreen(out, signal);
  }
  const { TerminalScreen } = await import("./terminal_screen.ts");
  const paint = settings.color === false ? plainPaint : colourPaint;
  return new TerminalScreen({ complete, history: await history(), paint, quiet: settings.quiet });
}

/**
 * Line editing opens the terminal anew, so that reading it never blocks; where that is refused, Deno reads it blocking, and
 * everything waits for the next key.
 */
async function isAnothersTerminal(): Promise<boolean> {
  try {
    (await Deno.open("/dev/stdin")).close();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return true;
    if (error instanceof Error) return false; // a system without such a name; the terminal is tried as it is
    throw error;
  }
}
