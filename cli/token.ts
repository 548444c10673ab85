/** Reads the relay's access token from its file. @module */
import { QightError } from "../proto/errors.ts";
import { readTextInput } from "./read_input.ts";
import type { Settings } from "./settings.ts";

/** The token of `--token-file`, or undefined when no file was named. */
export async function accessToken(settings: Settings): Promise<string | undefined> {
  if (settings.tokenFile === undefined) return undefined;
  const token = (await readTextInput(settings.tokenFile)).trim();
  if (token === "") throw new QightError("bad_token", `${settings.tokenFile} is empty`);
  return token;
}
