/** Which line of the open conversation a word means. @module */
import type { KeptLine } from "../../client/history.ts";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import type { Chat } from "./chat.ts";

/** How far back lines are counted. */
const MOST = 1000;

/**
 * The newest line, the `-N`th newest, or the one whose id begins so, of one's own, of the others, or of all. `usage` when
 * there is none: nothing is changed then.
 */
export async function lineNumbered(
  chat: Chat,
  word: string | undefined,
  of: "own" | "theirs" | "all",
): Promise<KeptLine> {
  const lines = (await chat.history.last(chat.openKey(), MOST)).filter((line) => {
    const own = equal(line.author, chat.own);
    return line.kind === "message" && !line.deleted && (of === "all" || (of === "own") === own);
  });
  const number = word === undefined ? 1 : /^-\d{1,3}$/.test(word) ? Number(word.slice(1)) : NaN;
  const found = Number.isNaN(number)
    ? lines.find(({ id }) => /^[0-9a-f]{4,32}$/i.test(word!) && id.toHex().startsWith(word!.toLowerCase()))
    : lines.at(-number);
  if (found && number !== 0) return found;
  throw new QightError("usage", word === undefined ? "There is no such line here" : `There is no line ${word} here`, {
    hint: "-1 is the newest, -2 the one before; /history shows them.",
  });
}

/** Which line the first word means, `-2` for the second newest, if it means one; and the text behind it, as it was typed. */
export function lineAndText(
  [first]: readonly string[],
  textFrom: (word: number) => string,
): { readonly which: string | undefined; readonly text: string } {
  const which = first !== undefined && /^-\d{1,3}$/.test(first) ? first : undefined;
  return { which, text: textFrom(which === undefined ? 0 : 1) };
}
