/**
 * The little DER (X.690) that certificates of a relay need: building fixed structures and walking to one field.
 * @module
 */

/** One DER element: tag, the length in its shortest form, then the concatenated contents. */
export function der(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const head = length < 0x80
    ? [tag, length]
    : length < 0x100
    ? [tag, 0x81, length]
    : [tag, 0x82, length >> 8, length & 0xff];
  const out = new Uint8Array(head.length + length);
  out.set(head);
  let at = head.length;
  for (const part of contents) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A DER element that was read: its tag, its contents, and where the next one starts. */
export interface DerElement {
  readonly tag: number;
  readonly contents: Uint8Array;
  readonly next: number;
}

/** Reads the element at `at`; throws RangeError when it does not fit into the bytes. */
export function readDer(bytes: Uint8Array, at = 0): DerElement {
  const tag = bytes[at];
  let length = bytes[at + 1];
  let start = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 4) throw new RangeError("DER length is not supported");
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + bytes[start++];
  }
  // Also catches undefined and NaN: a missing byte makes the comparison false.
  if (!(start + length <= bytes.length)) throw new RangeError("DER element is cut off");
  return { tag, contents: bytes.subarray(start, start + length), next: start + length };
}

/** PEM text of DER bytes, lines of 64 characters (RFC 7468). */
export function pem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The DER bytes of the first PEM block with this label; undefined when there is none. */
export function unpem(label: string, text: string): Uint8Array | undefined {
  const found = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(text);
  return found ? Uint8Array.fromBase64(found[1]) : undefined;
}
