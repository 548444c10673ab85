/** `qight file purge`: forgets the files that were not saved. @module */
import { openHistory } from "../open_history.ts";
import type { Call } from "../tree/spec.ts";

/** Erases their bytes, and the keys of those at the relay; says how many. */
export async function run({ settings, out }: Call): Promise<void> {
  await using opened = await openHistory(settings, out);
  const files = await opened.history.files();
  for (const { number } of files) await opened.history.dropFile(number);
  await out.result({ purged: files.length }, `files forgotten: ${files.length}`);
}
