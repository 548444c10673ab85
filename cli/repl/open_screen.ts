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
  const { TerminalScreen } = await import("./terminal_screen.ts");
  const paint = settings.color === false ? plainPaint : colourPaint;
  return new TerminalScreen({ complete, history: await history(), paint, quiet: settings.quiet });
}
