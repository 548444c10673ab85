/**
 * The value format of apk-tools 3: numbers, blobs, arrays and objects that name each other by their place.
 * @module
 */

/** A value: high 4 bits kind, low 28 a number or the place of the data (apk-tools, src/adb.h). */
export type AdbValue = number;

/** Nothing; also what an empty blob, array or object is. */
export const ADB_NULL: AdbValue = 0;

const INT = 0x1, INT_32 = 0x2, BLOB_8 = 0x8, BLOB_16 = 0x9, BLOB_32 = 0xa, ARRAY = 0xd, OBJECT = 0xe;
const HIGHEST = 0x0fffffff;
/** Compatible version, version, reserved (u16), root. */
const HEADER = 8;

/** Collects values; equal data is stored once. */
export class AdbWriter {
  #bytes = new Uint8Array(64 * 1024);
  #length = HEADER;
  readonly #places = new Map<string, number>();

  /** A whole number below 2^32. */
  int(value: number): AdbValue {
    if (value <= HIGHEST) return of(INT, value);
    return of(INT_32, this.#store(u32(value), 4));
  }

  /** Bytes or text; the same bytes get the same place. */
  blob(contents: Uint8Array | string): AdbValue {
    const bytes = typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
    if (bytes.length === 0) return ADB_NULL;
    const [kind, width] = bytes.length < 2 ** 8 ? [BLOB_8, 1] : bytes.length < 2 ** 16 ? [BLOB_16, 2] : [BLOB_32, 4];
    const stored = new Uint8Array(width + bytes.length);
    stored.set(u32(bytes.length).subarray(0, width));
    stored.set(bytes, width);
    return of(kind, this.#store(stored, width));
  }

  /** Fields by their number, from 1; those that are left out are null. */
  object(fields: Readonly<Record<number, AdbValue>>): AdbValue {
    const last = Math.max(0, ...Object.keys(fields).map(Number).filter((number) => fields[number] !== ADB_NULL));
    return this.#slots(OBJECT, Array.from({ length: last }, (_, index) => fields[index + 1] ?? ADB_NULL));
  }

  /** Values in this order. */
  array(values: readonly AdbValue[]): AdbValue {
    return this.#slots(ARRAY, values);
  }

  /** The whole content with this root. */
  content(root: AdbValue): Uint8Array {
    const content = this.#bytes.slice(0, this.#length);
    content.set(u32(root), 4);
    return content;
  }

  #slots(kind: number, values: readonly AdbValue[]): AdbValue {
    if (values.length === 0) return ADB_NULL;
    const stored = new Uint8Array(4 * (values.length + 1));
    // Slot 0 counts itself.
    [values.length + 1, ...values].forEach((value, index) => stored.set(u32(value), 4 * index));
    return of(kind, this.#store(stored, 4));
  }

  #store(bytes: Uint8Array, alignment: number): number {
    const key = `${alignment}:${bytes.toHex()}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = Math.ceil(this.#length / alignment) * alignment;
    while (place + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, place);
    this.#length = place + bytes.length;
    this.#places.set(key, place);
    return place;
  }
}

/** Where the data of a blob begins, behind its length. */
export function placeOfBlob(value: AdbValue): number {
  const width = { [BLOB_8]: 1, [BLOB_16]: 2, [BLOB_32]: 4 }[value >>> 28];
  if (width === undefined) throw new RangeError("not a blob");
  return (value & HIGHEST) + width;
}

/** Four bytes, the lowest first. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function of(kind: number, value: number): AdbValue {
  if (value > HIGHEST) throw new RangeError("too much for the format");
  return ((kind << 28) | value) >>> 0;
}
