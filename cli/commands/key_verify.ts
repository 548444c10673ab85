/** `qight key verify`: whether a device of somebody signed these bytes. @module */
import { deviceFingerprint, formatAccountId } from "../../crypto/account.ts";
import { lists } from "../../crypto/bundle.ts";
import { verifyMessage } from "../../crypto/signed_message.ts";
import { QightError } from "../../proto/errors.ts";
import { readPublicHalf } from "../identity.ts";
import { lookUpAccount } from "../look_up.ts";
import { exists } from "../paths.ts";
import { readInput, readTextInput } from "../read_input.ts";
import type { Settings } from "../settings.ts";
import { parseSignature } from "../signature_text.ts";
import type { Call } from "../tree/spec.ts";
import { lookUpWho } from "../who.ts";

/** Exit 0 and the signing device when the signature is good, 65 when not. */
export async function run({ args: [who, given, file], settings, out }: Call): Promise<void> {
  const account = await lookUpWho(who, settings, out);
  const { device, signature } = await readSignature(given);
  const bytes = await readInput(file ?? "-");
  const id = formatAccountId(account);
  // The mathematics first: a bad signature needs no relay to be called one.
  if (!await verifyMessage(device, bytes, signature)) throw new QightError("bad_signature");
  const fingerprint = await deviceFingerprint(device);
  if (!await isOwnDevice(settings, id, fingerprint)) {
    const { bundle } = await lookUpAccount(settings, out, account);
    if (!lists(bundle, device)) {
      throw new QightError("bad_signature", `The signature is by ${fingerprint}, which is no device of ${id}`);
    }
  }
  await out.result({ valid: true, id, device: fingerprint }, `good signature by ${id} (${fingerprint})`);
}

/** The signature itself, or `@FILE`; a bare path is no base64, and the hint says what was meant. */
async function readSignature(given: string): Promise<ReturnType<typeof parseSignature>> {
  if (given.startsWith("@")) return parseSignature(await readTextInput(given.slice(1)));
  try {
    return parseSignature(given);
  } catch (error) {
    if (!(error instanceof QightError) || !await exists(given)) throw error;
    throw new QightError("bad_signature", `"${given}" is no signature, but there is a file of that name`, {
      cause: error,
      hint: `To read the signature from the file, write @${given}.`,
    });
  }
}

async function isOwnDevice(settings: Settings, id: string, fingerprint: string): Promise<boolean> {
  const half = await readPublicHalf(settings.identity);
  return half?.id === id && half.device === fingerprint;
}
