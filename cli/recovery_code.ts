/** Reads a recovery code: from a file, stdin or the terminal; never from the command line. @module */
import { parseRecoveryCode } from "../crypto/recovery_code.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { warnOfOpenMode } from "./identity.ts";
import type { Output } from "./output.ts";
import { readTextInput } from "./read_input.ts";
import type { Settings } from "./settings.ts";
import { askLine, hasTerminal } from "./terminal.ts";

const MOST_TRIES = 3;

/** The secret (16 bytes) of the first code in the file (- is stdin), else of the one that is typed. `bad_code`. */
export async function readRecoveryCode(settings: Settings, out: Output, file: string | undefined): Promise<Uint8Array> {
  if (file !== undefined) {
    const text = await readTextInput(file);
    if (file !== "-") await warnOfOpenMode(file, out);
    return parseRecoveryCode(text.split("\n").find((line) => line.trim() !== "") ?? "");
  }
  if (!settings.mayAsk || !await hasTerminal()) {
    throw new QightError("bad_code", "No recovery code was given, and there is no terminal to ask on", {
      hint: "Put one into a file: --code-file FILE, or - for stdin.",
    });
  }
  for (let tries = 1;; tries++) {
    try {
      return parseRecoveryCode(await askLine("Recovery code (qrc1…): "));
    } catch (thrown) {
      const { code, message, hint } = asQightError(thrown);
      if (code !== "bad_code" || tries === MOST_TRIES) throw thrown;
      out.error(`${message}. ${hint}`);
    }
  }
}
