/** `qight key sign`: a signature by the device key over any bytes. @module */
import { signMessage } from "../../crypto/signed_message.ts";
import { openIdentity } from "../identity.ts";
import { readInput } from "../read_input.ts";
import { formatSignature } from "../signature_text.ts";
import type { Call } from "../tree/spec.ts";

/** Prints the signature of a file or of stdin; it is made under a domain of its own and can be no envelope or login. */
export async function run({ args, settings, out }: Call): Promise<void> {
  const identity = await openIdentity(settings, out);
  const bytes = await readInput(args[0] ?? "-");
  const signature = formatSignature(identity.device.publicKey, await signMessage(identity.device, bytes));
  await out.result({ id: identity.account.id, device: identity.fingerprint, signature }, signature);
}
