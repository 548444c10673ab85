/** Where passphrases come from: a file, stdin, a systemd credential or the terminal; never argv, never environment. @module */
import { QightError } from "../proto/errors.ts";
import { readTextInput } from "./read_input.ts";
import type { Settings } from "./settings.ts";
import { askSecret, hasTerminal } from "./terminal.ts";

/** The passphrase of something that exists; throws `passphrase_needed` when there is nowhere to get it from. */
export async function existingPassphrase(settings: Settings, what: string): Promise<string> {
  if (settings.passphraseFile !== undefined) return await passphraseFrom(settings.passphraseFile);
  await needTerminal(settings, what);
  return notEmpty(await askSecret(`Passphrase of ${what}: `));
}

/** A new passphrase; on the terminal it is asked twice. */
export async function newPassphrase(settings: Settings, what: string, file = settings.passphraseFile): Promise<string> {
  if (file !== undefined) return await passphraseFrom(file);
  await needTerminal(settings, what);
  const first = notEmpty(await askSecret(`New passphrase for ${what}: `));
  if (await askSecret("The same again: ") !== first) {
    throw new QightError("wrong_passphrase", "The two passphrases differ", { hint: "Nothing was changed; try again." });
  }
  return first;
}

/** The first line of a file (or of stdin for `-`), without its end. */
export async function passphraseFrom(path: string): Promise<string> {
  const text = await readTextInput(path);
  return notEmpty(text.split(/\r?\n/, 1)[0]);
}

function notEmpty(passphrase: string): string {
  if (passphrase !== "") return passphrase;
  throw new QightError("passphrase_needed", "The passphrase is empty", {
    hint: "Choose one, or say --no-passphrase for an unprotected key.",
  });
}

async function needTerminal(settings: Settings, what: string): Promise<void> {
  if (settings.mayAsk && await hasTerminal()) return;
  throw new QightError("passphrase_needed", `The passphrase of ${what} is needed and there is no terminal to ask on`);
}
