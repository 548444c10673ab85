/**
 * Names of devices: what may be one, and how two that look alike are told apart. Contacts see them.
 * @module
 */
import { QightError } from "../proto/errors.ts";

/** What a device is called that was given no name. */
export const PLAIN_DEVICE_NAME = "device";

/** A device's name as it is kept; `bad_name` for one that nobody could read, or that looks like a fingerprint. */
export function deviceName(text: string): string {
  const name = text.normalize("NFC").trim();
  if (isDeviceName(name)) return name;
  throw new QightError("bad_name", "This cannot be the name of a device", {
    hint: "A device's name has 1 to 32 characters on one line, and is no fingerprint.",
  });
}

/** One name however it is typed (UAX #15, NFKC). */
export function foldedDeviceName(name: string): string {
  return name.normalize("NFKC").toLowerCase().trim();
}

/** The name that a new device wishes, or the next one that none of `devices` has; what is no name counts as no wish. */
export function freeDeviceName(devices: readonly { readonly name: string }[], wish: string): string {
  const trimmed = wish.normalize("NFC").trim();
  const base = isDeviceName(trimmed) ? trimmed : PLAIN_DEVICE_NAME;
  const taken = new Set(devices.map(({ name }) => foldedDeviceName(name)));
  for (let number = 1;; number++) {
    const name = number === 1 ? base : `${base} ${number}`;
    if (!taken.has(foldedDeviceName(name))) return name;
  }
}

function isDeviceName(name: string): boolean {
  const length = [...name].length;
  return length >= 1 && length <= 32 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name) && !/^SHA256:/i.test(name);
}
