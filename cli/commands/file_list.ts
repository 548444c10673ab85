/** `qight file list`: files that came and were not saved. @module */
import { fileFields } from "../file_output.ts";
import { escapeLine } from "../escape.ts";
import { openHistory } from "../open_history.ts";
import type { Call } from "../tree/spec.ts";

/** Prints a line for each: number, name, size, and where its bytes are. */
export async function run({ settings, out }: Call): Promise<void> {
  await using opened = await openHistory(settings, out);
  for (const file of await opened.history.files()) {
    const { number, name, size, blob } = file;
    await out.result(
      fileFields(file),
      `${number}  ${escapeLine(name)}  ${size} bytes  ${blob ? "at the relay" : "here"}`,
    );
  }
}
