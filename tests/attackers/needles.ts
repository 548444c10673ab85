/**
 * Known words, keys and ids, and the search for them in files, logs and memory, in every form in which they could stand.
 * @module
 */
import { Buffer } from "node:buffer";

/** What must not be found; one pass over a haystack looks for all of it. */
export class Needles {
  /** By the first three bytes: which needles begin so, and whether any does. */
  readonly #starts = new Map<number, { readonly name: string; readonly bytes: Uint8Array }[]>();
  readonly #any = new Uint8Array(1 << 24);

  /** A text, as UTF-8, UTF-16, base64 and hex. */
  text(name: string, text: string): this {
    this.#add(`${name} in UTF-16`, Buffer.from(text, "utf16le"));
    return this.bytes(name, new TextEncoder().encode(text));
  }

  /** Bytes, raw and as the texts that programs make of them. */
  bytes(name: string, bytes: Uint8Array): this {
    this.#add(name, bytes);
    const url = bytes.toBase64({ alphabet: "base64url", omitPadding: true });
    // Without its last characters a base64 text is found in front of any padding.
    const forms = { hex: bytes.toHex(), base64: bytes.toBase64().replace(/=+$/, "").slice(0, -1), base64url: url };
    for (const [form, text] of Object.entries(forms)) this.#add(`${name} in ${form}`, new TextEncoder().encode(text));
    return this;
  }

  /** Names of all that stands in the haystack. */
  in(haystack: Uint8Array | string): string[] {
    const hay = typeof haystack === "string" ? new TextEncoder().encode(haystack) : haystack;
    const found = new Set<string>();
    let start = (hay[0] ?? 0) << 8 | (hay[1] ?? 0);
    for (let at = 2; at < hay.length; at++) {
      start = (start << 8 | hay[at]) & 0xffffff;
      if (this.#any[start] === 0) continue;
      for (const { name, bytes } of this.#starts.get(start)!) {
        if (bytes.every((byte, i) => byte === hay[at - 2 + i])) found.add(name);
      }
    }
    return [...found];
  }

  #add(name: string, bytes: Uint8Array): void {
    const start = bytes[0] << 16 | bytes[1] << 8 | bytes[2];
    const needle = { name, bytes };
    this.#any[start] = 1;
    this.#starts.set(start, [...this.#starts.get(start) ?? [], needle]);
  }
}

/** Every file below a folder with its bytes; sockets and the like are left out. */
export function* filesBelow(folder: string): Generator<{ path: string; bytes: Uint8Array }> {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesBelow(path);
    else if (isFile) yield { path, bytes: Deno.readFileSync(path) };
  }
}
