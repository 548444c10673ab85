/** `qight transcript show`: the lines of a transcript. @module */
import { openTranscriptFile, type TranscriptLine } from "../transcript_file.ts";
import { escapeLine } from "../escape.ts";
import type { Call } from "../tree/spec.ts";

/** Prints the lines, after all of them were checked; with `--json` as `qight history --json` does. */
export async function run({ args: [path], settings, out }: Call): Promise<void> {
  const { lines, title } = await openTranscriptFile(path, settings);
  for (const line of lines) {
    const { device: _, ...fields } = line;
    await out.result(fields, lineText(line, title.own));
  }
}

/** `2026-11-21T18:40:12Z  bob  text`; times in UTC, since nobody knows where it will be read. */
function lineText(line: TranscriptLine, own: string): string {
  const text = (value: unknown) => typeof value === "string" ? value : "";
  const time = text(line.sent_at).replace(/\.\d+Z$/, "Z");
  if (line.type === "notice") return `${time}  -- ${escapeLine(text(line.text))}`;
  const who = line.from === own ? "you" : text(line.from_name) || text(line.from).slice(0, 12);
  const body = line.deleted === true ? "(taken back)" : text(line.text).replace(/\n/g, "\n  ");
  const files = Array.isArray(line.files) ? line.files as { name: unknown; size: unknown }[] : [];
  return [
    `${time}  ${escapeLine(who)}  ${body}${line.edited === true ? " (edited)" : ""}`,
    ...files.map(({ name, size }) => `  [file] ${escapeLine(text(name))}  ${Number(size)} bytes`),
  ].join("\n");
}
