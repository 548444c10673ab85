/** `qight history`: what was said, from the own encrypted store. @module */
import { systemClock } from "../../client/clock.ts";
import { CONVERSATION_LIMITS } from "../../client/history.ts";
import { QightError } from "../../proto/errors.ts";
import { historyFields } from "../history_output.ts";
import { openHistory } from "../open_history.ts";
import { messageLine } from "../repl/message_lines.ts";
import { plainPaint } from "../repl/screen.ts";
import type { historySpec } from "../tree/history.ts";
import type { Call } from "../tree/spec.ts";
import { conversationOf } from "../where.ts";

/** Lines that are shown unless a number is given. */
const USUAL = 50;

/** Prints lines, the oldest first: one object each with `--json`. */
export async function run({ options, settings, out }: Call<typeof historySpec>): Promise<void> {
  const max = mostLines(options.max);
  const { in: where, search } = options;
  if (search !== undefined && search.trim() === "") throw new QightError("usage", "--search takes words to look for");
  await using opened = await openHistory(settings, out);
  const { history, conversations, contacts, own } = opened;
  const key = where === undefined ? undefined : await conversationOf(where, opened);
  const lines = search === undefined ? await history.last(key, max) : await history.search(search, max, key);
  const [names, titleOf, title] = await Promise.all([
    contacts.names(),
    conversations.titlesOfKeys(),
    conversations.titles(),
  ]);
  const style = { paint: plainPaint, own, title, utc: settings.utc, timestamps: true, nowMs: systemClock.now() };
  for (const line of lines) {
    const shown = key === undefined ? { ...style, where: titleOf(line.conversation) } : style;
    await out.result(historyFields(line, { contacts: names, titleOf }), messageLine(line, shown));
  }
}

function mostLines(word: string | undefined): number {
  const max = Number(word ?? USUAL);
  if (Number.isSafeInteger(max) && max > 0 && max <= CONVERSATION_LIMITS.messages) return max;
  throw new QightError("usage", `--max takes a whole number from 1 to ${CONVERSATION_LIMITS.messages}, not "${word}"`);
}
