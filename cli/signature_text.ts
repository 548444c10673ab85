/** The text of a detached signature: base64 of device key (32 bytes) and Ed25519 signature (64 bytes). @module */
import { QightError } from "../proto/errors.ts";

/** One line of base64. */
export function formatSignature(device: Uint8Array, signature: Uint8Array): string {
  const bytes = new Uint8Array(device.length + signature.length);
  bytes.set(device);
  bytes.set(signature, device.length);
  return bytes.toBase64();
}

const hint = "Give what qight key sign printed, or @FILE that holds it.";

/** Reads what `formatSignature` wrote; anything else is `bad_signature`. */
export function parseSignature(text: string): { device: Uint8Array; signature: Uint8Array } {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(text.trim());
  } catch (cause) {
    throw new QightError("bad_signature", "The signature is malformed: it is not base64", { cause, hint });
  }
  if (bytes.length !== 96) {
    throw new QightError("bad_signature", "The signature is malformed: it is not 96 bytes", { hint });
  }
  return { device: bytes.subarray(0, 32), signature: bytes.subarray(32) };
}
