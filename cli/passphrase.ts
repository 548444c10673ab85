/** Where passphrases come from: a file, stdin, a systemd credential or the terminal; never argv, never environment. @module */
import { QightError } from "../proto/errors.ts";
import { readTextInput } from "./read_input.ts";
import type { Settings } from "./settings.ts";
import { askSecret, hasTerminal } from "./terminal.ts";

/** The passphrase of something that exists; throws `passphrase_needed` when there is nowhere to get it from. */
export async function existingPassphrase(settings: Settings, what: string): Promise<string> {
  const hint = "Use --passphrase-file FILE or set QIGHT_PASSPHRASE_FILE.";
  if (settings.passphraseFile !== undefined) return await passphraseFrom(settings.passphraseFile, hint);
  await needTerminal(settings, what, hint);
  return notEmpty(await askSecret(`Passphrase of ${what}: `), hint);
}

/** How to ask for a new passphrase. */
export interface NewPassphrase {
  /** The flag that does without one, for the hint; absent where there is none. */
  readonly without?: "--no-passphrase" | "--plain";
  /** File to read it from; the settings' unless given. */
  readonly file?: string;
  /** The flag that names that file. */
  readonly fileFlag?: string;
}

/** A new passphrase; on the terminal it is asked twice. */
export async function newPassphrase(settings: Settings, what: string, asked: NewPassphrase): Promise<string> {
  const { without, file = settings.passphraseFile, fileFlag = "--passphrase-file" } = asked;
  const hint = `Use ${fileFlag} FILE${without === undefined ? "" : `, or ${without} to leave it unprotected`}.`;
  if (file !== undefined) return await passphraseFrom(file, hint);
  await needTerminal(settings, what, hint);
  const first = notEmpty(await askSecret(`New passphrase for ${what}: `), hint);
  if (await askSecret("The same again: ") !== first) {
    throw new QightError("wrong_passphrase", "The two passphrases differ", { hint: "Nothing was changed; try again." });
  }
  return first;
}

/** The first line of a file (or of stdin for `-`), without its end; an empty one is refused with that hint. */
export async function passphraseFrom(path: string, hint: string): Promise<string> {
  const text = await readTextInput(path);
  return notEmpty(text.split(/\r?\n/, 1)[0], hint);
}

function notEmpty(passphrase: string, hint: string): string {
  if (passphrase !== "") return passphrase;
  throw new QightError("passphrase_needed", "The passphrase is empty", { hint });
}

async function needTerminal(settings: Settings, what: string, hint: string): Promise<void> {
  if (settings.mayAsk && await hasTerminal()) return;
  throw new QightError("passphrase_needed", `A passphrase for ${what} is needed and there is no terminal to ask on`, {
    hint,
  });
}
