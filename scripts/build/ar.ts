/**
 * The archive around a Debian package (deb(5), ar(5)): 60-byte headers, members at even places.
 * @module
 */
import { concatAll } from "../../crypto/concat.ts";

/** An archive of these members in this order; names have at most 15 ASCII characters, times and owners are 0. */
export function arOf(members: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Uint8Array {
  const parts = [ascii("!<arch>\n")];
  for (const { name, bytes } of members) {
    if (!/^[\x21-\x7e]{1,15}$/.test(name)) throw new RangeError(`${name} is no name for a member of an archive`);
    const fields = [
      name.padEnd(16),
      "0".padEnd(12),
      "0".padEnd(6),
      "0".padEnd(6),
      "100644".padEnd(8),
      String(bytes.length).padEnd(10),
    ];
    parts.push(ascii(`${fields.join("")}\`\n`), bytes);
    if (bytes.length % 2 === 1) parts.push(ascii("\n"));
  }
  return concatAll(parts);
}

/** Bytes of a text. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
