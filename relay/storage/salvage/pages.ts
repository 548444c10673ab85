/**
 * Pages of a database file with its log laid over them, read without SQLite, so that damage elsewhere does not matter.
 * @module
 */
import { readLogFrames } from "../log_frames.ts";

const pageBytes = 4096;

/** The pages of one database. Only reads. */
export class Pages implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #inFile: number;
  readonly #inLog = new Map<number, Uint8Array>();
  /** Pages, counted from 1; the last one of a cut file may be incomplete and is padded with zeros. */
  readonly count: number;
  /** What is wrong with the log; null when nothing is. */
  readonly logDamage: string | null;

  /** @param log the bytes of `-wal`; empty when there is none */
  constructor(path: string, log: Uint8Array) {
    const { whole, behind, damage } = readLogFrames(log);
    // What lies behind damage is newer than all before it. After a mere crash it is a commit that nobody was told of.
    const used = damage === null ? whole : [...whole, ...behind];
    for (const { page, data } of used) this.#inLog.set(page, data);
    this.logDamage = damage;
    this.#file = Deno.openSync(path, { read: true });
    this.#inFile = Math.ceil(this.#file.statSync().size / pageBytes);
    // A damaged page number must not make a loop over billions of pages.
    const last = [...this.#inLog.keys()].filter((page) => page <= this.#inFile + used.length);
    this.count = last.reduce((most, page) => Math.max(most, page), this.#inFile);
  }

  /** One page; null when there is none of this number. */
  page(number: number): Uint8Array | null {
    const newer = this.#inLog.get(number);
    if (newer) return newer;
    if (!Number.isInteger(number) || number < 1 || number > this.#inFile) return null;
    const page = new Uint8Array(pageBytes);
    this.#file.seekSync((number - 1) * pageBytes, Deno.SeekMode.Start);
    for (let at = 0; at < pageBytes;) {
      const read = this.#file.readSync(page.subarray(at));
      if (read === null) break;
      at += read;
    }
    return page;
  }

  /** Pages that hold nothing any more: rows on them were deleted. Ends early where the list itself is damaged. */
  free(): Set<number> {
    const free = new Set<number>();
    const head = this.page(1);
    for (let trunk = head ? numberAt(head, 32) : 0; trunk > 0 && !free.has(trunk);) {
      const page = this.page(trunk);
      if (!page) break;
      free.add(trunk);
      const leaves = Math.min(numberAt(page, 4), pageBytes / 4 - 2);
      for (let i = 0; i < leaves; i++) free.add(numberAt(page, 8 + i * 4));
      trunk = numberAt(page, 0);
    }
    return free;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** A big-endian number of four bytes. */
export function numberAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}
