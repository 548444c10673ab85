/** Writes and reads the few structures that this folder keeps for itself. @module */
import { refused } from "./refuse.ts";

/** Grows as it is written; big-endian. */
export class ByteWriter {
  #bytes = new Uint8Array(512);
  #size = 0;

  /** A number of 1, 2, 4 or 8 bytes. */
  number(value: number, size: 1 | 2 | 4 | 8): void {
    this.#grow(size);
    const view = new DataView(this.#bytes.buffer);
    if (size === 1) view.setUint8(this.#size, value);
    else if (size === 2) view.setUint16(this.#size, value);
    else if (size === 4) view.setUint32(this.#size, value);
    else view.setBigUint64(this.#size, BigInt(value));
    this.#size += size;
  }

  /** Bytes whose number the reader knows. */
  fixed(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#size);
    this.#size += bytes.length;
  }

  /** Bytes with their number in front. */
  opaque(bytes: Uint8Array): void {
    this.number(bytes.length, 4);
    this.fixed(bytes);
  }

  /** What was written. */
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  #grow(more: number): void {
    if (this.#size + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + more));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Reads what `ByteWriter` wrote; throws `bad_group_message` beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A number of 1, 2, 4 or 8 bytes. */
  number(size: 1 | 2 | 4 | 8): number {
    const at = this.#take(size);
    if (size === 1) return this.#view.getUint8(at);
    if (size === 2) return this.#view.getUint16(at);
    return size === 4 ? this.#view.getUint32(at) : Number(this.#view.getBigUint64(at));
  }

  /** So many bytes, as a copy: what is around them may be large. */
  fixed(size: number): Uint8Array {
    const at = this.#take(size);
    return this.#bytes.slice(at, at + size);
  }

  /** Bytes with their number in front, as a copy. */
  opaque(): Uint8Array {
    return this.fixed(this.number(4));
  }

  /** Throws when something is left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw refused("something is behind its end");
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw refused("it is cut off");
    this.#at = at + size;
    return at;
  }
}
