/**
 * Padding, so that a relay sees one of six sizes instead of a length: 256 bytes, 1, 4, 16, 64 or 256 KiB.
 * Layout: content, one byte 0x80, zeros up to the class (ISO/IEC 7816-4).
 * @module
 */
import { QightError } from "../proto/errors.ts";

/** The sizes that padded content can have, in bytes. */
export const PADDING_CLASSES: readonly number[] = [256, 1024, 4096, 16384, 65536, 262144];
/** Longest content that can be padded, in bytes. */
export const MAX_PADDED_CONTENT_BYTES = 262144 - 1;

/** Pads content to the next class; throws `message_too_large` when none is large enough. */
export function pad(content: Uint8Array): Uint8Array {
  const size = PADDING_CLASSES.find((bytes) => bytes > content.length);
  if (size === undefined) {
    throw new QightError(
      "message_too_large",
      `The message is too large: ${content.length} bytes, at most ${MAX_PADDED_CONTENT_BYTES} fit`,
    );
  }
  const padded = new Uint8Array(size);
  padded.set(content);
  padded[content.length] = 0x80;
  return padded;
}

/** The content (a view) of what `pad` made; throws `cannot_open` for anything else, also for a class too large. */
export function unpad(padded: Uint8Array): Uint8Array {
  const place = PADDING_CLASSES.indexOf(padded.length);
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  const smaller = place > 0 ? PADDING_CLASSES[place - 1] : 0;
  if (place < 0 || padded[end] !== 0x80 || end < smaller) {
    throw new QightError("cannot_open", "Cannot open: the padding is not valid");
  }
  return padded.subarray(0, end);
}
