/** The 60 digits that two people compare, for the screen. @module */
import { safetyNumber } from "../crypto/safety_number.ts";
import { QightError } from "../proto/errors.ts";
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

/** Whether digits that were typed, however spaced, are these. */
export function sameDigits(given: string, digits: string): boolean {
  return given.replace(/\s/g, "") === digits;
}

/** Compares digits that were typed with the right ones; `usage` when they are no 60 digits, `key_changed` (77) when they differ. */
export function compareDigits(given: string, digits: string, name: string): void {
  const typed = given.replace(/\s/g, "");
  if (!/^\d{60}$/.test(typed)) {
    throw new QightError("usage", "A safety number has 60 digits", { hint: `qight contact show ${name} shows yours.` });
  }
  if (sameDigits(typed, digits)) return;
  throw new QightError("key_changed", `These are not the digits of "${name}"`, {
    hint: "Somebody may stand between you: compare again by another way, in person if you can. Nothing was changed.",
  });
}
