/**
 * SQLite's write-ahead log as it lies on disk, read without SQLite: which frames hold, and whether damage cut off
 * commits that were synced. SQLite itself takes a damaged frame for the end of the log and drops all that follows
 * without a word (sqlite.org/walformat.html).
 * @module
 */

/** Bytes before each page. */
const frameHead = 24;
/** Bytes before the first frame. */
const logHead = 32;

/** One page in the log. */
export interface Frame {
  /** Page of the database, from 1. */
  readonly page: number;
  /** Whether a commit ends here. */
  readonly commits: boolean;
  readonly data: Uint8Array;
}

/** What the bytes of a log hold. */
export interface LogFrames {
  /** Frames up to the last commit that SQLite would accept. */
  readonly whole: readonly Frame[];
  /** Frames of the same run of the log that SQLite would drop: a commit that was cut off, or what lies behind damage. */
  readonly behind: readonly Frame[];
  /**
   * Why this is damage and no commit that a crash cut off: the writer begins a commit only after the last one was
   * synced, so a bad frame before a commit that has a successor was whole once. Null when a crash explains it.
   */
  readonly damage: string | null;
}

/** Reads a log; an empty one holds nothing. */
export function readLogFrames(bytes: Uint8Array): LogFrames {
  if (bytes.length < logHead + frameHead) return { whole: [], behind: [], damage: null };
  return new LogReader(bytes).read();
}

type Sum = readonly [number, number];

class LogReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #pageBytes: number;
  readonly #count: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = (this.#number(0) & 1) === 0;
    const pageBytes = this.#number(8);
    this.#pageBytes = pageBytes >= 512 && pageBytes <= 65_536 && (pageBytes & (pageBytes - 1)) === 0 ? pageBytes : 4096;
    this.#count = Math.floor((bytes.length - logHead) / (frameHead + this.#pageBytes));
  }

  read(): LogFrames {
    const first = this.#salts(this.#start(0) + 8);
    const head = this.#salts(16);
    if (!this.#headHolds(head)) {
      // A crash while the log begins anew leaves a mix of two heads before frames of the older run, all of them in the
      // database already. Frames that belong to this very head say that it was whole once.
      const own = (same(first, head) && !this.#headHolds(head, this.#number(12) - 1)) || this.#headHolds(first);
      return {
        whole: [],
        behind: own ? this.#frames(0, first) : [],
        damage: own ? "the head of the write-ahead log is damaged" : null,
      };
    }
    let sum = this.#sumOfHead(head);
    let at = 0, committed = 0;
    while (at < this.#count && same(this.#salts(this.#start(at) + 8), head)) {
      const next = this.#sumOf(at, sum);
      if (!same(next, this.#salts(this.#start(at) + 16))) break;
      sum = next;
      at++;
      if (this.#commits(at - 1)) committed = at;
    }
    const found = this.#frames(0, head, committed);
    const damage = this.#commitBehind(at, head) ? `frame ${at + 1} of the write-ahead log is damaged` : null;
    return { whole: found, behind: this.#frames(committed, head), damage };
  }

  /** A commit at or after `from` whose following frame was written after it. */
  #commitBehind(from: number, salts: Sum): boolean {
    for (let at = from; at + 1 < this.#count; at++) {
      if (!this.#commits(at)) continue;
      const [own, next] = [this.#start(at), this.#start(at + 1)];
      if (!same(this.#salts(own + 8), salts) || !same(this.#salts(next + 8), salts)) continue;
      if (same(this.#sumOf(at + 1, this.#salts(own + 16)), this.#salts(next + 16))) return true;
    }
    return false;
  }

  #frames(from: number, salts: Sum, to = this.#count): Frame[] {
    const frames: Frame[] = [];
    for (let at = from; at < to; at++) {
      const start = this.#start(at);
      if (!same(this.#salts(start + 8), salts)) continue;
      const data = this.#bytes.subarray(start + frameHead, start + frameHead + this.#pageBytes);
      frames.push({ page: this.#number(start), commits: this.#commits(at), data });
    }
    return frames;
  }

  /** Whether the head's checksum fits, with these salts and this number of the run in it. */
  #headHolds(salts: Sum, run = this.#number(12)): boolean {
    const known = [0x377f0682, 0x377f0683].includes(this.#number(0));
    return known && same(this.#sumOfHead(salts, run), this.#salts(24));
  }

  #sumOfHead([salt1, salt2]: Sum, run = this.#number(12)): Sum {
    const head = this.#bytes.slice(0, 24);
    const view = new DataView(head.buffer);
    view.setUint32(12, run);
    view.setUint32(16, salt1);
    view.setUint32(20, salt2);
    return sumOf(view, 0, 24, this.#little, [0, 0]);
  }

  /** The checksum that a frame should have after `before`: over eight bytes of its head and its page. */
  #sumOf(at: number, before: Sum): Sum {
    const start = this.#start(at);
    const head = sumOf(this.#view, start, 8, this.#little, before);
    return sumOf(this.#view, start + frameHead, this.#pageBytes, this.#little, head);
  }

  #commits(at: number): boolean {
    return this.#number(this.#start(at) + 4) > 0;
  }

  #start(at: number): number {
    return logHead + at * (frameHead + this.#pageBytes);
  }

  #number(offset: number): number {
    return this.#view.getUint32(offset);
  }

  /** Two numbers in a row: salts, or a checksum. */
  #salts(offset: number): Sum {
    return [this.#number(offset), this.#number(offset + 4)];
  }
}

function sumOf(view: DataView, from: number, length: number, little: boolean, [s0, s1]: Sum): Sum {
  let a = s0 | 0, b = s1 | 0;
  for (let at = from; at < from + length; at += 8) {
    a = (a + view.getInt32(at, little) + b) | 0;
    b = (b + view.getInt32(at + 4, little) + a) | 0;
  }
  return [a >>> 0, b >>> 0];
}

function same(a: Sum, b: Sum): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
