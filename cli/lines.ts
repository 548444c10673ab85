/** Splits a stream of bytes into lines. @module */
import { concatAll } from "../crypto/concat.ts";
import { QightError } from "../proto/errors.ts";

/** No relay takes a longer message. */
const LONGEST_LINE = 64 * 1024 * 1024;

/** Lines without their end (LF or CRLF); a last one without an end counts too. An abort ends the input at once. */
export async function* readLines(
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = source.getReader();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for (;;) {
    const { done, value } = await readUnlessAborted(reader, signal);
    if (done) break;
    let at = 0;
    for (let end; (end = value.indexOf(LF, at)) >= 0; at = end + 1) {
      const last = value.subarray(at, end);
      yield withoutEnd(held.length === 0 ? last : concatAll([...held, last]));
      held = [];
      heldBytes = 0;
    }
    if (at === value.length) continue;
    held.push(value.slice(at));
    heldBytes += value.length - at;
    if (heldBytes > LONGEST_LINE) throw new QightError("message_too_large", "A line of standard input is too long");
  }
  if (heldBytes > 0 && !signal.aborted) yield withoutEnd(concatAll(held));
}

/**
 * Not a race against one promise for the whole input: that promise would hold every chunk (64 KiB) that ever won, and a
 * `send --lines` that follows a log for days grew by 3 GB in a quarter of an hour.
 */
function readUnlessAborted(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  signal: AbortSignal,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const end = () => resolve({ done: true, value: undefined });
    if (signal.aborted) return end();
    signal.addEventListener("abort", end, { once: true });
    reader.read().then(resolve, reject).finally(() => signal.removeEventListener("abort", end));
  });
}

const LF = 10;
const CR = 13;

function withoutEnd(line: Uint8Array): Uint8Array {
  return line.at(-1) === CR ? line.subarray(0, -1) : line;
}
