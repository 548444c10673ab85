/** `qight key verify-receipt`: what a relay's receipt proves, checked without asking anybody. @module */
import { formatMessageId } from "../../client/message_id.ts";
import { deviceFingerprint } from "../../crypto/account.ts";
import { openReceipt } from "../../crypto/receipt.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { QightError } from "../../proto/errors.ts";
import { exists } from "../paths.ts";
import { readInput } from "../read_input.ts";
import { chosenRelay } from "../relay_choice.ts";
import type { Call } from "../tree/spec.ts";

/** A receipt has under 2 KiB; in base64, with room for line ends. */
const MAX_TEXT_BYTES = 4096;

/** Exit 0 and what the relay has said when it is that relay's word, 65 when it proves nothing. */
export async function run({ args: [given], settings, out }: Call): Promise<void> {
  const { root } = parseRelayAddress(chosenRelay(settings));
  if (!root) {
    throw new QightError("bad_address", "The relay's address has no ROOT, and a receipt is checked with that alone", {
      hint: "Give the whole address, --relay qight://ROOT@host:port, as qight relay status prints it.",
    });
  }
  const { mailbox, seq, id, bodyHash, receivedAtMs } = await openReceipt(await readReceipt(given), root);
  const time = receivedAtMs === 0 ? null : new Date(receivedAtMs).toISOString();
  const relay = root.toBase64({ alphabet: "base64url", omitPadding: true });
  const device = await deviceFingerprint(mailbox);
  const message = formatMessageId(id);
  const body = bodyHash.toHex();
  await out.result(
    { valid: true, relay, mailbox: device, seq, id: message, time, body_hash: body },
    `good receipt: the relay ${relay} accepted message ${message} as number ${seq} for device ${device} ` +
      `${time ? `at ${time}` : "at a time that it did not keep"}; SHA-256 of the signed body ${body}`,
  );
}

/** The receipt itself, `@FILE`, or `-` for stdin. */
async function readReceipt(given: string): Promise<Uint8Array> {
  const path = given === "-" ? "-" : given.startsWith("@") ? given.slice(1) : null;
  const text = path === null ? given : new TextDecoder().decode(await readInput(path, MAX_TEXT_BYTES));
  try {
    return Uint8Array.fromBase64(text.trim());
  } catch (cause) {
    const hint = path === null && await exists(given)
      ? `To read the receipt from the file, write @${given}.`
      : undefined;
    const why = "The receipt proves nothing: it is not base64, as send --json prints it";
    throw new QightError("bad_receipt", why, { cause, ...(hint === undefined ? {} : { hint }) });
  }
}
