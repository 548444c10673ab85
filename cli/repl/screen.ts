/** Where a chat is shown and typed: a terminal that edits lines, or plain pipes that a script drives. @module */

/** One place to read lines from and show lines on. */
export interface Screen extends AsyncDisposable {
  /** A person edits lines here, with history and completion. */
  readonly interactive: boolean;
  readonly paint: Paint;
  /** The next line that was typed; null at the end of input. Throws `interrupted` when ^C asks for the end. */
  line(): Promise<string | null>;
  /** Asks, and answers with the next line that is typed; null when nobody answers. */
  ask(question: string): Promise<string | null>;
  /** What stands before the line being typed. */
  setPrompt(label: string): void;
  /** Data: lines of conversations and answers of commands. Steering characters of others are escaped already. */
  show(text: string): Promise<void>;
  /** A remark; steering characters are made visible here, and `-q` silences it. */
  note(text: string): void;
  /** Something went wrong; `-q` does not silence it. */
  warn(text: string): void;
  /** Rings the bell, where there is one. */
  ring(): void;
  /** Calls `typed` with the line as it stands whenever a key was pressed, where keys are seen. */
  onKey(typed: (line: string) => void): void;
}

/** Marks parts of a line; every part is escaped before. */
export interface Paint {
  /** Somebody's name. */
  name(text: string): string;
  /** What is less important, such as a time. */
  faint(text: string): string;
  /** What must not be overlooked. */
  alarm(text: string): string;
}

/** No marks at all. */
export const plainPaint: Paint = { name: asItIs, faint: asItIs, alarm: asItIs };

/** Bold, faint and red, which every terminal theme can show (ECMA-48 §8.3.117, SGR). */
export const colourPaint: Paint = {
  name: (text) => `\u001b[1m${text}\u001b[0m`,
  faint: (text) => `\u001b[2m${text}\u001b[0m`,
  alarm: (text) => `\u001b[31m${text}\u001b[0m`,
};

function asItIs(text: string): string {
  return text;
}
