/**
 * Lines of a history as the bytes that travel: packed and compressed by one device, unpacked and checked by another.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { concatAll } from "../../crypto/concat.ts";
import { QightError } from "../../proto/errors.ts";
import { HistoryLinesSchema, type MovedLine, MovedLineSchema } from "../../proto/gen/qight/v1/history_pb.ts";
import type { ImportedLine } from "../history_import.ts";
import { lineOf, movedLine } from "./line.ts";
import { MAX_LINES, MAX_PART_BYTES, MAX_PART_LINES } from "./part.ts";

/** A line with its place among all lines of a move, from 0. */
export interface NumberedLine {
  readonly number: number;
  readonly line: ImportedLine;
}

const VERSION = 1;
/** Compressed bytes that are unpacked at once: they become a thousand times as many at most. */
const SLICE_BYTES = 1024;
/** A compressed part has so many bytes at most: what cannot be compressed grows by less than 64 KiB. */
export const PACKED_MAX_BYTES = MAX_PART_BYTES + 64 * 1024;

/** The lines, compressed. Those that do not fit any more are left out: `packed` tells how many are in. */
export async function packLines(lines: readonly NumberedLine[]): Promise<{ bytes: Uint8Array; packed: number }> {
  const whole: Uint8Array[] = [];
  let left = MAX_PART_BYTES - HEAD_BYTES;
  for (const { number, line } of lines) {
    const bytes = toBinary(MovedLineSchema, movedLine(number, line));
    if (bytes.length + FRAME_BYTES > left || whole.length === MAX_PART_LINES) continue;
    left -= bytes.length + FRAME_BYTES;
    whole.push(bytes);
  }
  const plain = toBinary(HistoryLinesSchema, create(HistoryLinesSchema, { version: VERSION, lines: whole }));
  return { bytes: await gzip(plain), packed: whole.length };
}

/**
 * The lines of a part. `bad_transcript` for what is none, or unpacks to more than `MAX_PART_BYTES`: then nothing of it counts.
 */
export async function unpackLines(packed: Uint8Array): Promise<NumberedLine[]> {
  if (packed.length > PACKED_MAX_BYTES) throw bad("it has more bytes than a part can have");
  const plain = await gunzip(packed);
  try {
    countLines(plain);
    const { version, lines } = fromBinary(HistoryLinesSchema, plain, { readUnknownFields: false });
    if (version !== VERSION) throw bad(`its form ${version} is not known here; install a newer qight`);
    return lines.map((bytes) => numbered(fromBinary(MovedLineSchema, bytes, { readUnknownFields: false })));
  } catch (thrown) {
    if (thrown instanceof QightError) throw thrown;
    throw bad("it cannot be read", thrown);
  }
}

/** Tag and length of a line. */
const FRAME_BYTES = 6;
const HEAD_BYTES = 16;

function numbered(moved: MovedLine): NumberedLine {
  const line = lineOf(moved);
  if (!line || moved.number >= BigInt(MAX_LINES)) throw bad("a line lacks what every line has");
  return { number: Number(moved.number), line };
}

/** Before anything is made of them: an empty line takes two bytes here and a hundred times that as an object. */
function countLines(plain: Uint8Array): void {
  const reader = new BinaryReader(plain);
  let lines = 0;
  while (reader.pos < reader.len) {
    const [, type] = reader.tag();
    reader.skip(type);
    if (++lines > MAX_PART_LINES + 1) throw bad("it has more lines than a part can have");
  }
}

async function gzip(plain: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([Uint8Array.from(plain)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function gunzip(packed: Uint8Array): Promise<Uint8Array> {
  const { readable, writable } = new DecompressionStream("gzip");
  const fed = feed(writable, packed);
  // Whoever reads hears of what is wrong with it.
  fed.catch(() => undefined);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = readable.getReader();
  try {
    for (let next; !(next = await reader.read()).done;) {
      bytes += next.value.length;
      if (bytes > MAX_PART_BYTES) throw bad("it unpacks to more than a part can have");
      chunks.push(next.value);
    }
    await fed;
  } catch (thrown) {
    await reader.cancel().catch(() => undefined); // it is broken already, and that is what is told
    throw thrown instanceof QightError ? thrown : bad("it is damaged", thrown);
  }
  return concatAll(chunks);
}

async function feed(writable: WritableStream<BufferSource>, packed: Uint8Array): Promise<void> {
  const writer = writable.getWriter();
  for (let at = 0; at < packed.length; at += SLICE_BYTES) {
    await writer.write(Uint8Array.from(packed.subarray(at, at + SLICE_BYTES)));
  }
  await writer.close();
}

function bad(why: string, cause?: unknown): QightError {
  return new QightError("bad_transcript", `A part of the history was not taken in: ${why}`, { cause });
}
