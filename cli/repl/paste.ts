/**
 * Pasted text in a chat: it stands in the line being typed, whole, until Enter is pressed. Nothing of it is sent or done by
 * itself, whatever lines it has: who pastes a log in which a line says /quit does not mean that.
 * @module
 */

/**
 * Bracketed paste, which terminals have had since xterm 229 (XTerm Control Sequences, "Bracketed Paste Mode"): what is
 * pasted then comes between two marks.
 */
export const BRACKETS = { on: "\u001b[?2004h", off: "\u001b[?2004l" } as const;

/** A line break in the line being typed. */
const BREAK = "⏎";

/** A key as node:readline tells it. */
export interface Key {
  readonly name?: string;
  readonly sequence?: string;
  readonly ctrl?: boolean;
}

/** What a key means for the line: an ordinary one, nothing (yet), or text to put where the cursor is. */
export type Meaning = "key" | "nothing" | { readonly insert: string };

/** Tells pasted keys from typed ones. */
export class Paste {
  /** What has come of it; null when nothing is being pasted. */
  #text: string | null = null;
  /** Deno's readline does not know the marks, and tells the last sign of each as a key of its own. */
  #markLeft = false;

  /** Takes the next key. */
  take(text: string | undefined, { name, sequence, ctrl }: Key = {}): Meaning {
    if (this.#markLeft) {
      this.#markLeft = false;
      if (text === "~") return "nothing";
    }
    // deno-lint-ignore no-control-regex
    const mark = /^\u001b\[20([01])(~?)$/.exec(sequence ?? "");
    if (mark) {
      this.#markLeft = mark[2] === "";
      return mark[1] === "0" ? this.#begin() : this.#end();
    }
    if (this.#text === null) return "key";
    if (ctrl && name === "c") {
      this.#text = null; // whatever became of the mark at the end: the keys are the user's again
      return "key";
    }
    this.#text += name === "return" || name === "enter" ? sequence ?? "\n" : text ?? "";
    return "nothing";
  }

  #begin(): Meaning {
    this.#text = "";
    return "nothing";
  }

  #end(): Meaning {
    const text = this.#text ?? "";
    this.#text = null;
    const insert = withBreaksShown(text.replace(/^[\r\n]+|[\r\n]+$/g, "")).replace(CONTROLS, "");
    return insert === "" ? "nothing" : { insert };
  }
}

/** Text of several lines as one line to edit. */
export function withBreaksShown(text: string): string {
  return text.replace(/\r\n?|\n/g, BREAK);
}

/** What an edited line says. */
export function withBreaks(line: string): string {
  return line.replaceAll(BREAK, "\n");
}

/** What steers a terminal, tabs excepted. */
// deno-lint-ignore no-control-regex
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;
