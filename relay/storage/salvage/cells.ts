/**
 * Rows of one page: SQLite's cells and records, decoded without trust (sqlite.org/fileformat2.html).
 * @module
 */
import { numberAt, type Pages } from "./pages.ts";

/** A value of a column. */
export type Value = null | number | string | Uint8Array;

/** One row: with its number in a table, without one in an index or a table WITHOUT ROWID. */
export interface Cell {
  readonly rowid: number | null;
  readonly values: readonly Value[];
}

/** What one page gave: its rows, and how many of its cells could not be read. */
export interface PageCells {
  readonly cells: readonly Cell[];
  readonly unreadable: number;
}

const usable = 4096;
/** No row of a relay is longer: a commit has at most 4 MiB. */
const longestRow = 5 * 1024 * 1024;
const interiorIndex = 2, leafIndex = 10, leafTable = 13;
const nothing: PageCells = { cells: [], unreadable: 0 };

/** Decodes a page that looks like one with rows; any other page has none. */
export function cellsOf(pages: Pages, number: number): PageCells {
  const page = pages.page(number);
  if (!page) return nothing;
  const from = number === 1 ? 100 : 0;
  const kind = page[from];
  if (kind !== interiorIndex && kind !== leafIndex && kind !== leafTable) return nothing;
  const count = page[from + 3] << 8 | page[from + 4];
  const pointers = from + (kind === interiorIndex ? 12 : 8);
  if (pointers + count * 2 > usable) return { cells: [], unreadable: 1 };
  const cells: Cell[] = [];
  let unreadable = 0;
  for (let i = 0; i < count; i++) {
    const at = page[pointers + i * 2] << 8 | page[pointers + i * 2 + 1];
    const cell = at < pointers + count * 2 ? null : cellAt(pages, page, at, kind);
    if (cell) cells.push(cell);
    else unreadable++;
  }
  return { cells, unreadable };
}

function cellAt(pages: Pages, page: Uint8Array, start: number, kind: number): Cell | null {
  const reader = new Varints(page, kind === interiorIndex ? start + 4 : start);
  const length = reader.next();
  const rowid = kind === leafTable ? reader.next() : null;
  // A damaged number may be none at all (NaN), which is neither too small nor too large.
  if (!(length >= 2 && length <= longestRow) || Number.isNaN(rowid) || reader.over) return null;
  const payload = payloadAt(pages, page, reader.at, length, kind);
  const values = payload && valuesOf(payload);
  return values && { rowid, values };
}

/** The bytes of a row: what lies on the page, and the chain of pages behind it. */
function payloadAt(pages: Pages, page: Uint8Array, at: number, length: number, kind: number): Uint8Array | null {
  const most = kind === leafTable ? usable - 35 : Math.floor((usable - 12) * 64 / 255) - 23;
  const least = Math.floor((usable - 12) * 32 / 255) - 23;
  const shared = least + (length - least) % (usable - 4);
  const local = length <= most ? length : shared <= most ? shared : least;
  if (at + local + (local < length ? 4 : 0) > usable) return null;
  const bytes = new Uint8Array(length);
  bytes.set(page.subarray(at, at + local));
  let next = local < length ? numberAt(page, at + local) : 0;
  for (let done = local; done < length;) {
    const more = pages.page(next);
    if (!more) return null;
    const part = more.subarray(4, 4 + Math.min(usable - 4, length - done));
    bytes.set(part, done);
    done += part.length;
    next = numberAt(more, 0);
  }
  return bytes;
}

function valuesOf(payload: Uint8Array): Value[] | null {
  const head = new Varints(payload, 0);
  const headLength = head.next();
  if (headLength > payload.length || headLength > 100) return null;
  const types: number[] = [];
  while (head.at < headLength && !head.over) types.push(head.next());
  let at = headLength;
  const values: Value[] = [];
  for (const type of types) {
    const length = type >= 12 ? (type - (type & 1 ? 13 : 12)) / 2 : [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][type];
    if (at + length > payload.length) return null;
    const bytes = payload.subarray(at, at + length);
    at += length;
    if (type === 0) values.push(null);
    else if (type === 8 || type === 9) values.push(type - 8);
    else if (type < 7) values.push(integerOf(bytes));
    else if (type >= 12) values.push(type & 1 ? new TextDecoder().decode(bytes) : bytes);
    else return null;
  }
  return at === payload.length ? values : null;
}

/** Two's complement, big-endian; beyond 2^53 it is damage, and NaN fits nowhere. */
function integerOf(bytes: Uint8Array): number {
  let value = BigInt.asIntN(8, BigInt(bytes[0]));
  for (const byte of bytes.subarray(1)) value = value << 8n | BigInt(byte);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : NaN;
}

/** SQLite's numbers of one to nine bytes. */
class Varints {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** True after reading past the end. */
  get over(): boolean {
    return this.at > this.#bytes.length;
  }

  next(): number {
    let value = 0n;
    for (let i = 0; i < 9; i++) {
      const byte = this.#bytes[this.at++] ?? 0;
      if (i === 8) {
        value = value << 8n | BigInt(byte);
        break;
      }
      value = value << 7n | BigInt(byte & 0x7f);
      if (byte < 0x80) break;
    }
    const number = Number(BigInt.asIntN(64, value));
    return Number.isSafeInteger(number) && number >= 0 ? number : NaN;
  }
}
