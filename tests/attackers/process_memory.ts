/**
 * The memory of a running process, as its operator sees it through /proc (a core dump holds the same pages).
 * @module
 */

/** Bytes that the next piece repeats, so that nothing hides on a seam. */
const OVERLAP = 4096;
const PIECE = 16 << 20;

/** Why memory cannot be read here; null when it can. */
export function memoryIsHidden(): string | null {
  if (Deno.build.os !== "linux") return "needs /proc/PID/mem";
  try {
    Deno.openSync(`/proc/${Deno.pid}/mem`).close();
    return null;
  } catch (error) {
    return `this system hides /proc/PID/mem: ${(error as Error).message}`;
  }
}

/** All resident pages of readable mappings, in pieces of up to 16 MiB that overlap; what cannot be read is passed over. */
export function* memoryOf(pid: number): Generator<Uint8Array> {
  using memory = Deno.openSync(`/proc/${pid}/mem`);
  using pagemap = Deno.openSync(`/proc/${pid}/pagemap`);
  for (const mapping of readableMappings(Deno.readTextFileSync(`/proc/${pid}/maps`))) {
    for (const { from, to } of residentRuns(pagemap, mapping)) {
      for (let at = from; at < to; at += PIECE) {
        const piece = readAt(memory, at, Math.min(PIECE + OVERLAP, to - at));
        if (piece.length > 0) yield piece;
      }
    }
  }
}

const PAGE = 4096;

interface Span {
  readonly from: number;
  readonly to: number;
}

function readableMappings(maps: string): Span[] {
  return [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r(?!.*\[v).*$/gm)].map(([, from, to]) => {
    return { from: parseInt(from, 16), to: parseInt(to, 16) };
  });
}

/** Stretches of pages that are in memory or swapped out (Documentation/admin-guide/mm/pagemap.rst: bits 63 and 62). */
function* residentRuns(pagemap: Deno.FsFile, { from, to }: Span): Generator<Span> {
  const entries = readAt(pagemap, from / PAGE * 8, (to - from) / PAGE * 8);
  let start: number | null = null;
  for (let page = 0; page <= entries.length / 8; page++) {
    const resident = page < entries.length / 8 && (entries[page * 8 + 7] & 0xc0) !== 0;
    if (resident) start ??= from + page * PAGE;
    else if (start !== null) {
      yield { from: start, to: from + page * PAGE };
      start = null;
    }
  }
}

/** Up to `length` bytes; fewer when a page in between is gone. */
function readAt(file: Deno.FsFile, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let got = 0;
  try {
    file.seekSync(at, Deno.SeekMode.Start);
    while (got < length) {
      const read = file.readSync(bytes.subarray(got));
      if (read === null) break;
      got += read;
    }
  } catch (error) {
    // EIO and EFAULT: the process unmapped this piece while it was read.
    if (!/os error (5|14)\)/.test((error as Error).message)) throw error;
  }
  return bytes.subarray(0, got);
}
