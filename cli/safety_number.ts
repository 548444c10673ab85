/** The 60 digits that two people compare, for the screen. @module */
import { safetyNumber } from "../crypto/safety_number.ts";
import { qrCode } from "./qr_code.ts";

/** The digits of two accounts (hashes, 32 bytes) in groups of five, three lines of twenty. */
export async function digitLines(own: Uint8Array, other: Uint8Array): Promise<string[]> {
  return grouped(await safetyNumber(own, other)).match(/(?:\d{5} ?){4}/g)!.map((line) => line.trim());
}

/** Sixty digits in groups of five. */
export function grouped(digits: string): string {
  return digits.match(/\d{5}/g)!.join(" ");
}

/** The digits as a QR code, to be scanned instead of read. */
export async function digitsCode(own: Uint8Array, other: Uint8Array): Promise<string> {
  return await qrCode(await safetyNumber(own, other));
}
