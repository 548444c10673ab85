/**
 * Reads the few protobuf fields of an envelope in their one canonical form, without building messages: the relay does
 * this for every message. Refused are padded numbers, wrong order, repeated and unknown fields, trailing bytes.
 * Source: protobuf.dev/programming-guides/encoding (varints, tags, length prefixes).
 * @module
 */

/** Thrown inside the scan only; the parser that uses it turns it into its own error. */
export class NotCanonical extends Error {}

/** A cursor over canonical protobuf bytes. */
export class FieldScanner {
  #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Takes the tag byte if it comes next (field numbers up to 15 have one byte). */
  next(tag: number): boolean {
    if (this.#bytes[this.#at] !== tag) return false;
    this.#at++;
    return true;
  }

  /** The number of an optional field, 0 when it is absent; proto3 never writes a 0. */
  optionalNumber(tag: number, max: number): number {
    if (!this.next(tag)) return 0;
    const value = this.#varint(max);
    if (value === 0) throw new NotCanonical("a zero is written out");
    return value;
  }

  /** The bytes of an optional field as a view, empty when it is absent; proto3 never writes empty ones. */
  optionalBytes(tag: number): Uint8Array {
    if (!this.next(tag)) return EMPTY;
    const length = this.#varint(0x7fffffff);
    const end = this.#at + length;
    if (length === 0 || end > this.#bytes.length) throw new NotCanonical("a length does not fit");
    const view = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  /** Demands that nothing follows. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new NotCanonical("unexpected bytes follow");
  }

  /** A base-128 number without padding, at most `max` (up to 2^53 - 1). */
  #varint(max: number): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new NotCanonical("a number is cut off");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if ((byte === 0 && i > 0) || value > max) throw new NotCanonical("a number is padded or too large");
        return value;
      }
      scale *= 128;
    }
    throw new NotCanonical("a number is too large");
  }
}

const EMPTY = new Uint8Array(0);
