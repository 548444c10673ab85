/** A chat on a terminal: whatever arrives is written above the line being typed, which stays as it is. @module */
import process from "node:process";
import * as readline from "node:readline";
import { QightError } from "../../proto/errors.ts";
import { escapeControls } from "../escape.ts";
import { EndedAsAsked } from "../signals.ts";
import { BRACKETS, type Key, Paste, withBreaks, withBreaksShown } from "./paste.ts";
import { type Paint, plainPaint, type Screen } from "./screen.ts";

/** Finds what may follow: the candidates, and the end of the line that they replace. */
export type Complete = (line: string) => Promise<[candidates: string[], replaced: string]>;

/** How the terminal behaves. */
export interface TerminalOptions {
  readonly complete: Complete;
  /** Lines of earlier days, the newest first. */
  readonly history: readonly string[];
  readonly paint: Paint;
  /** No remarks. */
  readonly quiet: boolean;
}

/** Lines that the arrow keys reach. */
const HISTORY_SIZE = 1000;

/** Line editing by node:readline: arrows, ^A ^E ^W ^U ^K, TAB. */
export class TerminalScreen implements Screen {
  readonly interactive = true;
  readonly paint: Paint;
  readonly #quiet: boolean;
  readonly #editor: Editor;
  readonly #typed: string[] = [];
  #waiting: PromiseWithResolvers<string | null> | null = null;
  #asking: PromiseWithResolvers<string | null> | null = null;
  /** Empty until there is something to type to: what is said before must not leave a prompt behind. */
  #label = "";
  /** ^C was the last key: another one ends the chat. */
  #armed = false;
  #interrupted = false;
  /** The terminal marks what is pasted. */
  #bracketed = false;
  #closed = false;

  constructor({ complete, history, paint, quiet }: TerminalOptions) {
    this.paint = paint;
    this.#quiet = quiet;
    this.#editor = readline.createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: true,
      history: history.map(withBreaksShown),
      historySize: HISTORY_SIZE,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: Error | null, result?: readline.CompleterResult) => void) =>
        // A list that cannot be made is no reason to disturb the line being typed.
        void complete(line).then((result) => done(null, result), () => done(null, [[], line])),
    }) as Editor;
    this.#takePastes();
    this.#editor.on("line", (line) => this.#onLine(line));
    this.#editor.on("close", () => {
      if (!this.#closed) this.#clear();
      this.#end();
    });
    this.#editor.on("SIGINT", () => this.#onInterrupt());
    // Any other key means that the user goes on.
    process.stdin.on("keypress", (_text: string, key?: { ctrl?: boolean; name?: string }) => {
      if (!(key?.ctrl && key.name === "c")) this.#armed = false;
    });
    // A terminal that is gone cannot be told so.
    process.stdout.on("error", () => this.#end());
  }

  line(): Promise<string | null> {
    const next = this.#typed.shift();
    if (next !== undefined) return Promise.resolve(next);
    if (this.#closed) return this.#interrupted ? Promise.reject(interruption()) : Promise.resolve(null);
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  async ask(question: string): Promise<string | null> {
    if (this.#closed) return null;
    this.#asking = Promise.withResolvers();
    this.#prompt(`${escapeControls(question)} `);
    const answer = await this.#asking.promise;
    this.#asking = null;
    // An answer is no line to come back to.
    if (answer !== null && this.#editor.history?.[0] === answer) this.#editor.history.shift();
    this.#redraw();
    return answer;
  }

  setPrompt(label: string): void {
    if (label === this.#label) return;
    this.#label = label;
    if (!this.#asking) this.#redraw();
  }

  show(text: string): Promise<void> {
    this.#above(text);
    return Promise.resolve();
  }

  note(text: string): void {
    if (!this.#quiet) this.#above(this.paint.faint(escapeControls(text)));
  }

  warn(text: string): void {
    this.#above(this.paint === plainPaint ? escapeControls(text) : this.paint.alarm(escapeControls(text)));
  }

  onKey(typed: (line: string) => void): void {
    process.stdin.on("keypress", () => {
      if (!this.#closed && !this.#asking) typed(this.#editor.line);
    });
  }

  ring(): void {
    process.stdout.write("\u0007");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) this.#editor.close();
    process.stdin.pause();
  }

  #onLine(line: string): void {
    this.#armed = false;
    if (this.#asking) return this.#asking.resolve(line);
    this.#redraw();
    const meant = withBreaks(line);
    if (!this.#waiting) return void this.#typed.push(meant);
    this.#waiting.resolve(meant);
    this.#waiting = null;
  }

  /** Text that is pasted goes into the line being typed, with its line breaks. */
  #takePastes(): void {
    const paste = new Paste();
    const editor = this.#editor;
    const edit = editor._ttyWrite.bind(editor);
    editor._ttyWrite = (text, key) => {
      const meaning = paste.take(text, key);
      if (meaning === "key") edit(text, key);
      else if (meaning !== "nothing") edit(meaning.insert, {});
    };
  }

  #onInterrupt(): void {
    if (this.#asking) return this.#asking.resolve(null);
    if (this.#armed) {
      this.#interrupted = true;
      return this.#editor.close();
    }
    this.#armed = true;
    const empty = this.#editor.line === "";
    this.#editor.write(null, { ctrl: true, name: "e" });
    this.#editor.write(null, { ctrl: true, name: "u" });
    // The two keys above were not the user's.
    this.#armed = true;
    if (empty) this.note("^C again ends the chat, ^D too");
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#bracketed) process.stdout.write(BRACKETS.off);
    this.#asking?.resolve(null);
    if (!this.#waiting) return;
    if (this.#interrupted) this.#waiting.reject(interruption());
    else this.#waiting.resolve(null);
    this.#waiting = null;
  }

  /** Writes above the line being typed, and brings that line back with the cursor where it was. */
  #above(text: string): void {
    if (this.#closed) return void process.stdout.write(`${text}\n`);
    this.#clear();
    process.stdout.write(`${text}\n`);
    if (this.#label !== "") this.#editor.prompt(true);
  }

  #redraw(): void {
    if (!this.#asking) this.#prompt(this.#label);
  }

  #prompt(label: string): void {
    if (this.#closed) return;
    if (!this.#bracketed) process.stdout.write(BRACKETS.on);
    this.#bracketed = true;
    this.#clear();
    this.#editor.setPrompt(label);
    this.#editor.prompt(true);
  }

  /** Erases the rows of prompt and typed line; the cursor is then where the prompt began. */
  #clear(): void {
    const { rows } = this.#editor.getCursorPos();
    readline.moveCursor(process.stdout, 0, -rows);
    readline.cursorTo(process.stdout, 0);
    readline.clearScreenDown(process.stdout);
    // prompt(true) moves up by the rows it drew last, over what is written now; Node's own printers reset it the same way
    // (lib/internal/readline/interface.js, kRefreshLine and prevRows).
    this.#editor.prevRows = 0;
  }
}

/** What of the interface its types do not say. */
type Editor = readline.Interface & {
  prevRows: number;
  history?: string[];
  /** Where each key goes; Node's own REPL puts itself before it too (lib/internal/repl.js). */
  _ttyWrite: (text: string | undefined, key: Key) => void;
};

function interruption(): EndedAsAsked {
  return new EndedAsAsked(new QightError("interrupted", undefined, { hint: "" }));
}
