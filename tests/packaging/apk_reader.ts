/** Reads packages of apk-tools 3, written from its sources (src/adb.h, src/apk_adb.h) and not from our writer. @module */
import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { inflateRawSync } from "node:zlib";

/** A value: null, a number, bytes, or slots (from 1; slot 0 is null). */
export type Value = null | number | Uint8Array | readonly Value[];

/** A package, taken apart. */
export interface ReadApk {
  readonly root: readonly Value[];
  readonly metadata: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  /** Contents by the numbers of folder and file. */
  readonly data: readonly { readonly folder: number; readonly file: number; readonly bytes: Uint8Array }[];
}

/** Takes a file apart; asserts what apk-tools would refuse. */
export function readApk(file: Uint8Array): ReadApk {
  assert.equal(latin(file.subarray(0, 4)), "ADBd");
  const plain = new Uint8Array(inflateRawSync(file.subarray(4)));
  assert.equal(latin(plain.subarray(0, 8)), "ADB.pckg");
  let metadata: Uint8Array | undefined;
  const signatures: Uint8Array[] = [];
  const data: { folder: number; file: number; bytes: Uint8Array }[] = [];
  for (let at = 8; at < plain.length;) {
    const head = u32(plain, at);
    const length = head & 0x3fffffff;
    const content = plain.subarray(at + 4, at + length);
    assert.ok(length >= 4 && at + length <= plain.length, "block within the file");
    const type = head >>> 30;
    if (type === 0) {
      assert.equal(at, 8, "metadata comes first, once");
      metadata = content;
    } else if (type === 1) {
      assert.equal(data.length, 0, "signatures come before contents");
      signatures.push(content);
    } else {
      assert.equal(type, 2);
      data.push({ folder: u32(content, 0), file: u32(content, 4), bytes: content.subarray(8) });
    }
    const end = at + Math.ceil(length / 8) * 8;
    assert.ok(plain.subarray(at + length, end).every((byte) => byte === 0), "padding");
    at = end;
  }
  assert.ok(metadata);
  assert.deepEqual([...metadata.subarray(0, 4)], [0, 0, 0, 0], "versions");
  return { root: readRoot(metadata), metadata, signatures, data };
}

/** The root object of a metadata block's content. */
export function readRoot(metadata: Uint8Array): readonly Value[] {
  return readValue(metadata, u32(metadata, 4)) as readonly Value[];
}

/** Whether a key in PEM made this signature over the package. */
export function isSignedBy(pem: string, { metadata, signatures }: ReadApk): boolean {
  const key = createPublicKey(pem);
  const point = key.export({ type: "spki", format: "der" }).subarray(-65);
  return signatures.some((signature) => {
    const [version, digest] = signature;
    if (version !== 0 || digest !== 4) return false;
    if (Buffer.compare(signature.subarray(2, 18), sha512(point).subarray(0, 16)) !== 0) return false;
    const signed = Buffer.concat([Buffer.from("pckg"), signature.subarray(0, 18), sha512(metadata)]);
    return verify("sha512", signed, key, signature.subarray(18));
  });
}

/** A blob as text. */
export function latin(value: Value): string {
  assert.ok(value === null || value instanceof Uint8Array);
  return value === null ? "" : new TextDecoder().decode(value);
}

function readValue(metadata: Uint8Array, value: number): Value {
  const kind = value >>> 28, low = value & 0x0fffffff;
  const within = (at: number, length: number) => {
    assert.ok(at + length <= metadata.length, "value within the metadata");
    return metadata.subarray(at, at + length);
  };
  const aligned = (alignment: number) => assert.equal(low % alignment, 0, "alignment");
  switch (kind) {
    case 0x0:
      assert.equal(low, 0);
      return null;
    case 0x1:
      return low;
    case 0x2:
      aligned(4);
      return u32(within(low, 4), 0);
    case 0x8:
      return within(low + 1, within(low, 1)[0]);
    case 0x9:
      aligned(2);
      return within(low + 2, metadata[low] | metadata[low + 1] << 8);
    case 0xa:
      aligned(4);
      return within(low + 4, u32(within(low, 4), 0));
    case 0xd:
    case 0xe: {
      aligned(4);
      const count = u32(within(low, 4), 0);
      const slots = Array.from({ length: count - 1 }, (_, index) => u32(within(low + 4 + 4 * index, 4), 0));
      if (kind === 0xe) assert.notEqual(slots.at(-1), 0, "no null at the end of an object");
      return [null, ...slots.map((slot) => readValue(metadata, slot))];
    }
  }
  assert.fail(`kind ${kind}`);
}

function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

function sha512(bytes: Uint8Array): Buffer {
  return createHash("sha512").update(bytes).digest();
}
