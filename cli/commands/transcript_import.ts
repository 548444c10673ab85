/** `qight transcript import`: an own transcript goes into the history. @module */
import { equal } from "../../crypto/equal.ts";
import { importLines } from "../../client/history_import.ts";
import { QightError } from "../../proto/errors.ts";
import { openHistory } from "../open_history.ts";
import { openTranscriptFile } from "../transcript_file.ts";
import { importedLine } from "../transcript_line.ts";
import type { Call } from "../tree/spec.ts";

/** Adds what is not here yet; only this account's own transcripts, because others may have written anything. */
export async function run({ args: [path], settings, out }: Call): Promise<void> {
  await using opened = await openHistory(settings, out);
  const { title, lines, account } = await openTranscriptFile(path, settings);
  if (!equal(account, opened.own)) {
    throw new QightError("not_allowed", "Another account wrote this transcript down", {
      hint: `To read it: qight transcript show ${path}.`,
    });
  }
  const rows = lines.map((line) => importedLine(line, title));
  const added = await importLines(opened.store, rows);
  await out.result({ in: title.in, lines: lines.length, added }, `${added} of ${lines.length} lines were not here yet`);
}
