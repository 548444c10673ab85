/** Asks for an invite on the terminal; TAB completes its words. @module */
import process from "node:process";
import { createInterface } from "node:readline";
import { QightError } from "../proto/errors.ts";

/** One line from stdin, which must be a terminal; the question goes to stderr. ^C and ^D are `interrupted`. */
export async function askInvite(question: string, words: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const editor = createInterface({
    input: process.stdin,
    output: process.stderr,
    terminal: true,
    historySize: 0, // a secret, if only for minutes
    completer: (line: string) => completeWord(line, words),
  });
  editor.once("SIGINT", () => editor.close());
  editor.once("close", () => reject(new QightError("interrupted", "Nothing was typed")));
  editor.question(question, resolve);
  try {
    return await promise;
  } finally {
    editor.close();
  }
}

/** What TAB offers for the last word of a line, as node:readline takes it: the offers, and what they replace. */
function completeWord(line: string, words: readonly string[]): [string[], string] {
  const begun = /\p{L}*$/u.exec(line)![0];
  const fits = begun === "" ? [] : words.filter((word) => word.startsWith(begun.toLowerCase()));
  return [fits.length === 1 ? [`${fits[0]} `] : fits, begun];
}
