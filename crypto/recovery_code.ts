/**
 * Recovery codes: 16 random bytes each, as `qrc1…` in bech32m (BIP-350), which finds every typo of up to four characters.
 *
 * @example
 * ```ts
 * import { formatRecoveryCode, parseRecoveryCode } from "./recovery_code.ts";
 * import assert from "node:assert/strict";
 *
 * const secret = new Uint8Array(16).fill(7);
 * const code = formatRecoveryCode(secret);
 * assert.match(code, /^qrc1[a-z0-9]{32}$/);
 * assert.deepEqual(parseRecoveryCode(` QRC1-${code.slice(4, 20)} ${code.slice(20)}\n`), secret);
 * ```
 * @module
 */
import { bech32m } from "@scure/base";
import { QightError } from "../proto/errors.ts";

/** Bytes of a code's secret. */
export const RECOVERY_SECRET_BYTES = 16;

/** The secret (16 bytes) as people keep it: `qrc1` and 32 characters; `invariant` for another length. */
export function formatRecoveryCode(secret: Uint8Array): string {
  if (secret.length !== RECOVERY_SECRET_BYTES) {
    throw new QightError("invariant", "The secret of a recovery code has 16 bytes");
  }
  return bech32m.encode(PREFIX, bech32m.toWords(secret));
}

/** The secret of a code in any case, with any spaces and dashes; throws `bad_code`, which repeats nothing of it. */
export function parseRecoveryCode(text: string): Uint8Array {
  if (text.length > MAX_TYPED) throw new QightError("bad_code", "This is no recovery code: it is too long");
  const code = text.normalize("NFKC").toLowerCase().replace(/[\s\p{Pd}]+/gu, "");
  if (!code.startsWith(`${PREFIX}1`)) throw new QightError("bad_code", "A recovery code begins with qrc1");
  if (code.length !== CODE_CHARACTERS) {
    throw new QightError("bad_code", `A recovery code has ${CODE_CHARACTERS} characters, and this has ${code.length}`);
  }
  try {
    return bech32m.decodeToBytes(code).bytes;
  } catch {
    // Without its cause: the library's sentence repeats the code.
    throw new QightError("bad_code", "The recovery code has a typo: its checksum does not fit", {
      hint: "Compare it with what was written down; the letters b, i and o are in none.",
    });
  }
}

const PREFIX = "qrc";
const CODE_CHARACTERS = 36;
/** A code with a space or dash behind each character, and room. */
const MAX_TYPED = 256;
