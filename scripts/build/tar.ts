/**
 * Writes ustar archives and gzip files that are the same bytes wherever and whenever they are made.
 * @module
 */
import { gzipSync } from "node:zlib";

/** A file of an archive. Its mode comes from what it is, never from a disk. */
export interface TreeFile {
  /** Relative, with `/`, without a leading `./`. */
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly bytes: Uint8Array;
}

/** How an archive looks beside its files. */
export interface TarOptions {
  /** Put before each name, for example `./`. */
  readonly prefix?: string;
  /** Also an entry for each folder (0755), before what is in it; the prefix `./` gets one too. */
  readonly folders?: boolean;
  /** Folders that come first, with a mode and a numeric owner (user and group) of their own. */
  readonly places?: readonly TarPlace[];
}

/** A folder that is there although it may be empty, for example one that a program may write. */
export interface TarPlace {
  /** Relative, with `/` at its end. */
  readonly path: string;
  readonly mode: number;
  readonly owner: number;
}

const BLOCK = 512;
/** What tar pads its archives to (POSIX pax, "ustar Interchange Format": records of 20 blocks). */
const RECORD = 20 * BLOCK;
const encoder = new TextEncoder();

/** Compares by the bytes of UTF-8, the order of all lists in a build; locales do not agree on another. */
export function byBytes(a: string, b: string): number {
  return compareBytes(encoder.encode(a), encoder.encode(b));
}

/** An archive of regular files in the order of their names: owner 0, time 0. Throws when a name does not fit ustar. */
export function ustar(files: readonly TreeFile[], options: TarOptions = {}): Uint8Array<ArrayBuffer> {
  const { prefix = "", folders = false, places = [] } = options;
  const sorted = [...files].sort((a, b) => byBytes(a.path, b.path));
  const parts: Uint8Array[] = [];
  const seen = new Set<string>();
  const folder = (name: string) => {
    if (!folders || name === "" || seen.has(name)) return;
    seen.add(name);
    parts.push(header(name, 0o755, 0, "5"));
  };
  folder(prefix);
  for (const { path, mode, owner } of places) {
    seen.add(prefix + path);
    parts.push(header(prefix + path, mode, 0, "5", owner));
  }
  for (const { path, mode, bytes } of sorted) {
    const name = prefix + path;
    const steps = path.split("/");
    for (let depth = 1; depth < steps.length; depth++) folder(`${prefix}${steps.slice(0, depth).join("/")}/`);
    parts.push(header(name, mode, bytes.length, "0"), bytes, new Uint8Array(-bytes.length & (BLOCK - 1)));
  }
  const length = parts.reduce((sum, part) => sum + part.length, 2 * BLOCK);
  const archive = new Uint8Array(Math.ceil(length / RECORD) * RECORD);
  let at = 0;
  for (const part of parts) {
    archive.set(part, at);
    at += part.length;
  }
  return archive;
}

/** gzip at level 9, without a name, a time, or the system it was made on (RFC 1952 §2.3). */
export function gzip9(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const zipped = new Uint8Array(gzipSync(bytes, { level: 9 }));
  zipped.fill(0, 4, 8);
  zipped[9] = 3; // Unix; runtimes disagree, and nobody reads it
  return zipped;
}

function header(name: string, mode: number, size: number, type: "0" | "5", owner = 0): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const [head, tail] = split(name);
  block.set(tail, 0);
  block.set(octal(mode, 7), 100);
  block.set(octal(owner, 7), 108);
  block.set(octal(owner, 7), 116);
  block.set(octal(size, 11), 124);
  block.set(octal(0, 11), 136);
  block.fill(0x20, 148, 156);
  block[156] = type.charCodeAt(0);
  block.set(encoder.encode("ustar\0" + "00"), 257);
  if (owner === 0) {
    block.set(encoder.encode("root"), 265);
    block.set(encoder.encode("root"), 297);
  }
  block.set(head, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return block;
}

/** A long name is cut at a slash: 155 bytes before it, 100 behind it. */
function split(name: string): [Uint8Array, Uint8Array] {
  const whole = encoder.encode(name);
  if (whole.length <= 100) return [new Uint8Array(), whole];
  for (let at = Math.min(whole.length - 2, 155); at > 0; at--) {
    if (whole[at] === 0x2f && whole.length - at - 1 <= 100) return [whole.subarray(0, at), whole.subarray(at + 1)];
  }
  throw new Error(`The name does not fit into a ustar archive: ${name}`);
}

function octal(value: number, digits: number): Uint8Array {
  const text = value.toString(8).padStart(digits, "0");
  if (text.length > digits) throw new Error(`The number does not fit into a ustar archive: ${value}`);
  return encoder.encode(`${text}\0`);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) if (a[at] !== b[at]) return a[at] - b[at];
  return a.length - b.length;
}
