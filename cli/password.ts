/**
 * Where passwords of accounts come from: a file, stdin or the terminal; never argv, never environment. They are brought to
 * Unicode form C in crypto/opaque.ts, as passphrases are.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import { warnOfOpenMode } from "./identity.ts";
import type { Output } from "./output.ts";
import { readTextInput } from "./read_input.ts";
import type { Settings } from "./settings.ts";
import { askSecret, hasTerminal } from "./terminal.ts";

/** Fewest characters of a new password (NIST SP 800-63B §5.1.1.2). */
const MIN_PASSWORD_CHARACTERS = 8;

/** Which password is wanted, and where it may be. */
export interface PasswordWish {
  /** The account's name. */
  readonly of: string;
  /** File of the flag, - for stdin; asked for on the terminal when undefined. */
  readonly file: string | undefined;
  /** The flag that names the file. */
  readonly flag?: "--password-file" | "--new-password-file";
}

/** A password that exists; `passphrase_needed` when there is nowhere to get it from. */
export async function existingPassword(settings: Settings, out: Output, wish: PasswordWish): Promise<string> {
  const password = wish.file === undefined
    ? await asked(settings, wish, `Password of ${wish.of}: `)
    : await passwordFrom(wish.file, out);
  if (password === "") throw new QightError("passphrase_needed", "The password is empty", { hint: hintOf(wish) });
  return password;
}

/** A new password, asked for twice on the terminal, and anew when it is too short; `usage` when that is so in a file. */
export async function newPassword(settings: Settings, out: Output, wish: PasswordWish): Promise<string> {
  if (wish.file !== undefined) return longEnough(await passwordFrom(wish.file, out), wish);
  const question = `New password for ${wish.of}, at least ${MIN_PASSWORD_CHARACTERS} characters: `;
  let first = await asked(settings, wish, question);
  while (first !== "" && !isLongEnough(first)) {
    out.error("That is too short; several words are good. Once more:");
    first = await asked(settings, wish, question);
  }
  longEnough(first, wish);
  if (await askSecret("The same again: ") === first) return first;
  throw new QightError("wrong_password", "The two passwords differ", { hint: "Nothing was changed; try again." });
}

function isLongEnough(password: string): boolean {
  return [...password].length >= MIN_PASSWORD_CHARACTERS;
}

function longEnough(password: string, wish: PasswordWish): string {
  if (isLongEnough(password)) return password;
  const hint = `Several words are good. ${hintOf(wish)}`;
  if (password === "") throw new QightError("passphrase_needed", "The password is empty", { hint });
  throw new QightError("usage", `A password has at least ${MIN_PASSWORD_CHARACTERS} characters`, { hint });
}

async function passwordFrom(path: string, out: Output): Promise<string> {
  const text = await readTextInput(path);
  if (path !== "-") await warnOfOpenMode(path, out);
  return text.split(/\r?\n/, 1)[0];
}

async function asked(settings: Settings, wish: PasswordWish, question: string): Promise<string> {
  if (settings.mayAsk && await hasTerminal()) return await askSecret(question);
  throw new QightError("passphrase_needed", `The password of ${wish.of} is needed and there is no terminal to ask on`, {
    hint: hintOf(wish),
  });
}

function hintOf({ flag = "--password-file" }: PasswordWish): string {
  return `Use ${flag} FILE.`;
}
