/** A command on a pseudo-terminal that goes on: keys are typed, the screen is read. @module */
import assert from "node:assert/strict";
import { cliArguments, type Person } from "./harness.ts";
import { onPseudoTerminal } from "./on_terminal.ts";
import { TerminalModel } from "./terminal_model.ts";

/** Keys by name. */
export const keys = {
  ctrlA: "\u0001",
  ctrlC: "\u0003",
  ctrlD: "\u0004",
  ctrlE: "\u0005",
  ctrlK: "\u000b",
  ctrlU: "\u0015",
  ctrlW: "\u0017",
  enter: "\r",
  left: "\u001b[D",
  tab: "\t",
  up: "\u001b[A",
} as const;

/** No screen takes so long, even on a machine that does other things, milliseconds. */
const PATIENCE_MS = 60_000;

/** One command and its terminal. */
export class TerminalSession implements AsyncDisposable {
  /** Every character that the command wrote. */
  raw = "";
  readonly screen: TerminalModel;
  readonly ended: Promise<number>;
  readonly #child: Deno.ChildProcess;
  readonly #keyboard: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Set<() => void>();
  #over = false;

  private constructor(child: Deno.ChildProcess, columns: number) {
    this.#child = child;
    this.#keyboard = child.stdin.getWriter();
    this.screen = new TerminalModel(columns);
    this.ended = this.#read();
  }

  /** Starts `qight ARGS` on a terminal of so many columns; `after` is a shell command that runs on it afterwards, `before` words before ours. */
  static open(
    person: Person,
    args: readonly string[],
    options: { columns?: number; env?: Record<string, string>; after?: string; before?: readonly string[] } = {},
  ): TerminalSession {
    const { columns = 80, env = {}, after = "", before = [] } = options;
    const words = [...before, Deno.execPath(), ...cliArguments(), ...args].map((word) => `'${word}'`).join(" ");
    const command = `stty cols ${columns} rows 40; ${words}; code=$?; ${after} exit $code`;
    return new TerminalSession(onPseudoTerminal(person, command, { TERM: "xterm", ...person.env, ...env }), columns);
  }

  /** Types. */
  async type(...text: string[]): Promise<void> {
    await this.#keyboard.write(new TextEncoder().encode(text.join("")));
  }

  /** Resolves when the screen has a match; fails when the command ends without one. */
  async seen(pattern: RegExp): Promise<RegExpExecArray> {
    return await this.when(() => pattern.exec(this.screen.text()), `${pattern}`);
  }

  /** Resolves with what `look` finds, once it finds something; fails with the screen when that takes too long. */
  async when<T>(look: () => T | null | undefined | false, what: string): Promise<T> {
    let late = false;
    const guard = setTimeout(() => {
      late = true;
      for (const wake of this.#waiting) wake();
    }, PATIENCE_MS);
    try {
      for (;;) {
        const found = look();
        if (found) return found;
        assert.ok(
          !this.#over && !late,
          `${late ? "too late for" : "the command ended without"} ${what}:\n${this.screen.text()}`,
        );
        const woken = Promise.withResolvers<void>();
        this.#waiting.add(woken.resolve);
        await woken.promise;
        this.#waiting.delete(woken.resolve);
      }
    } finally {
      clearTimeout(guard);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.#child.kill("SIGKILL");
    await this.ended;
    await this.#keyboard.close().catch((error) => {
      // The terminal is gone already.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    });
  }

  async #read(): Promise<number> {
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.raw += chunk;
      this.screen.write(chunk);
      for (const wake of this.#waiting) wake();
    }
    const { code } = await this.#child.status;
    this.#over = true;
    for (const wake of this.#waiting) wake();
    return code;
  }
}
