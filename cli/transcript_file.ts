/** A transcript on disk: a conversation as chained lines, sealed to a passphrase. @module */
import type { KeptLine } from "../client/history.ts";
import { openTranscript, type Transcript } from "../crypto/transcript.ts";
import { openBytes } from "../crypto/vault.ts";
import { QightError } from "../proto/errors.ts";
import { historyFields, type Names } from "./history_output.ts";
import { existingPassphrase } from "./passphrase.ts";
import { readInput } from "./read_input.ts";
import type { Settings } from "./settings.ts";

/** What stands on the first line. */
export interface TranscriptTitle {
  readonly type: "transcript";
  /** `#NAME`, or the id of the other side. */
  readonly in: string;
  /** The store's name of the conversation. */
  readonly conversation: string;
  /** Whose history it is: an account id. */
  readonly own: string;
  readonly exported_at: string;
  readonly lines: number;
}

/** A line as it was written down: what `qight history --json` prints, and the device it came from. */
export type TranscriptLine = Record<string, unknown> & { readonly device: string };

/** A transcript that was opened and is whole. */
export interface OpenedTranscript extends Pick<Transcript, "account" | "device"> {
  readonly title: TranscriptTitle;
  readonly lines: readonly TranscriptLine[];
}

/** The lines of a transcript, its title first, as JSON. */
export function transcriptLines(title: TranscriptTitle, lines: readonly KeptLine[], names: Names): string[] {
  return [title, ...lines.map((line) => ({ ...historyFields(line, names), device: line.device.toHex() }))]
    .map((value) => JSON.stringify(value));
}

/**
 * Opens and checks a transcript. `bad_transcript` (65) for one that is damaged, is none, or was changed; `wrong_passphrase`
 * (77).
 */
export async function openTranscriptFile(path: string, settings: Settings): Promise<OpenedTranscript> {
  const sealed = await readInput(path, MAX_BYTES);
  const plain = await openBytes(sealed, await existingPassphrase(settings, path), "bad_transcript");
  const { lines: [first, ...rest], account, device } = await openTranscript(new TextDecoder().decode(plain));
  const title = objectOf(first) as unknown as TranscriptTitle;
  if (title.type !== "transcript" || typeof title.conversation !== "string" || title.lines !== rest.length) {
    throw new QightError("bad_transcript", "The transcript has no title that fits its lines");
  }
  return { title, lines: rest.map((line) => objectOf(line) as TranscriptLine), account, device };
}

/** More than 16 MiB of words with what stands around 10,000 lines of them. */
const MAX_BYTES = 128 * 1024 * 1024;

function objectOf(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new QightError("bad_transcript", "A line of the transcript is not JSON", { cause });
  }
  throw new QightError("bad_transcript", "A line of the transcript is no JSON object");
}
