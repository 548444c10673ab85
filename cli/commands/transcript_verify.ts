/** `qight transcript verify`: whether a transcript is whole, and what that proves. @module */
import { deviceFingerprint, formatAccountId } from "../../crypto/account.ts";
import { openTranscriptFile } from "../transcript_file.ts";
import type { Call } from "../tree/spec.ts";

/** Prints whose word it is; anything changed is `bad_transcript` (65). */
export async function run({ args: [path], settings, out }: Call): Promise<void> {
  const { title, lines, account, device } = await openTranscriptFile(path, settings);
  const [by, fingerprint] = [formatAccountId(account), await deviceFingerprint(device)];
  const fields = { valid: true, in: title.in, lines: lines.length, by, device: fingerprint };
  await out.result(
    { ...fields, exported_at: title.exported_at },
    `whole: ${lines.length} lines of ${title.in}, written down by ${by} (${fingerprint}) at ${title.exported_at}`,
  );
  out.note(
    "Nothing was changed, dropped, moved or cut off since that device signed it. That it wrote down what others",
  );
  out.note("really said is its word alone: messages carry no signature that a third person could check.");
}
