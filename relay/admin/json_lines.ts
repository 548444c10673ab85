/**
 * JSON values, one a line, from a connection.
 * @module
 */

import { QightError } from "../../proto/errors.ts";

const longestLine = 1024 * 1024;

/** The values in order; ends when the peer does. Throws `bad_frame` for a line over 1 MiB or one that is no JSON. */
export async function* jsonLines(
  connection: { read(into: Uint8Array): Promise<number | null> },
): AsyncGenerator<unknown> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const buffer = new Uint8Array(64 * 1024);
  let kept: Uint8Array[] = [];
  let length = 0;
  for (let read; (read = await connection.read(buffer)) !== null;) {
    let rest = buffer.slice(0, read);
    for (let end; (end = rest.indexOf(0x0a)) !== -1; rest = rest.subarray(end + 1)) {
      const line = new Uint8Array(length + end);
      let at = 0;
      for (const part of kept) line.set(part, at), at += part.length;
      line.set(rest.subarray(0, end), at);
      [kept, length] = [[], 0];
      yield parse(line, decoder);
    }
    length += rest.length;
    if (length > longestLine) throw new QightError("bad_frame", "The line is longer than 1 MiB");
    if (rest.length > 0) kept.push(rest);
  }
}

function parse(line: Uint8Array, decoder: TextDecoder): unknown {
  try {
    return JSON.parse(decoder.decode(line));
  } catch (cause) {
    throw new QightError("bad_frame", "The line is not JSON", { cause });
  }
}
