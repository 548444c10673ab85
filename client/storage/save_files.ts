/**
 * Writes attached files where the user said: names made safe, nothing overwritten.
 * @module
 */
import { createHash } from "node:crypto";
import { extname, join } from "node:path";
import { QightError } from "../../proto/errors.ts";
import type { File } from "../../proto/gen/qight/v1/seal_pb.ts";

/** An attached file, and where it is when it was saved. */
export interface SavedFile {
  /** Name as the sender wrote it. */
  readonly name: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly path?: string;
  /** Empty of one that was at the relay. */
  readonly data: Uint8Array;
  /** It waits at the relay. */
  readonly waits?: true;
}

/** Describes the files of a message and, when a folder is given, writes those there (0600) that came along. */
export async function saveFiles(
  files: readonly (Pick<File, "name" | "data"> & Pick<File, "blob">)[],
  folder: string | undefined,
): Promise<SavedFile[]> {
  const saved: SavedFile[] = [];
  for (const { name, data, blob } of files) {
    if (blob) {
      saved.push({ name, size: Number(blob.size), sha256: blob.fileSha256.toHex(), data, waits: true });
      continue;
    }
    const sha256 = createHash("sha256").update(data).digest("hex");
    const about = { name, size: data.length, sha256, data };
    saved.push(folder === undefined ? about : { ...about, path: await save(folder, safeName(name), data, sha256) });
  }
  return saved;
}

/**
 * A name that stays in its folder and hides nothing: normalised, without separators, controls, reserved characters or
 * device names, and without a leading dot (hidden) or dash (an option to `rm *`).
 */
export function safeName(name: string): string {
  // Normalised first: what decides below must be what the file system sees (macOS stores names normalised anyway).
  const last = name.toWellFormed().normalize("NFC").split(/[/\\]/).at(-1) ?? "";
  // deno-lint-ignore no-control-regex
  const steering = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
  const shown = last.replace(steering, "").normalize("NFC");
  const clean = shown.replace(/[<>:"|?*]/g, "_").replace(/^[-.\s]+|[.\s]+$/g, "");
  const whole = extname(clean);
  const extension = shortened(whole, MAX_EXTENSION_BYTES);
  const stem = clean.slice(0, clean.length - whole.length);
  const short = shortened(stem, MAX_NAME_BYTES - encoder.encode(extension).length) + extension;
  const safe = short.replace(/[.\s]+$/, "") || "file";
  return device.test(safe) ? `_${safe}` : safe;
}

/** Windows opens a device for these, with any extension (learn.microsoft.com, Naming Files, Reserved names). */
const device = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])[ ]*(?:\.|$)/i;
const MAX_EXTENSION_BYTES = 20;
const MAX_NAME_BYTES = 200;
const MAX_COPIES = 10_000;
const encoder = new TextEncoder();

function shortened(text: string, bytes: number): string {
  let out = "";
  for (const character of text) {
    if (encoder.encode(out + character).length > bytes) break;
    out += character;
  }
  return out;
}

/** Writes bytes to this very path (0600); `would_overwrite` when it is taken. */
export async function saveBytes(path: string, data: Uint8Array): Promise<void> {
  try {
    using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
    await fill(file, path, data);
  } catch (error) {
    if (error instanceof QightError) throw error;
    if (error instanceof Deno.errors.AlreadyExists) throw new QightError("would_overwrite", `${path} is there already`);
    throw new QightError("cannot_create", `Cannot create ${path}: ${(error as Error).message}`, { cause: error });
  }
}

async function save(folder: string, name: string, data: Uint8Array, sha256: string): Promise<string> {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  for (let copy = 0; copy < MAX_COPIES; copy++) {
    const path = join(folder, copy === 0 ? name : `${stem} (${copy})${extension}`);
    try {
      if (copy === 0) await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
      await fill(file, path, data);
      return path;
    } catch (error) {
      if (error instanceof QightError) throw error;
      if (!(error instanceof Deno.errors.AlreadyExists)) {
        throw new QightError("cannot_create", `Cannot create ${path}: ${(error as Error).message}`, { cause: error });
      }
      // The same message again (at-least-once) needs no second copy.
      if (await hasSame(path, data.length, sha256)) return path;
    }
  }
  throw new QightError("cannot_create", `Cannot save ${name} in ${folder}: too many files of that name`);
}

/** A file that cannot be written whole is taken away again: its message comes again, and half of it helps nobody. */
async function fill(file: Deno.FsFile, path: string, data: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < data.length;) at += await file.write(data.subarray(at));
    await file.sync();
  } catch (error) {
    await Deno.remove(path);
    throw new QightError("io", `Cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

async function hasSame(path: string, size: number, sha256: string): Promise<boolean> {
  const info = await Deno.lstat(path);
  if (!info.isFile || info.size !== size) return false;
  return createHash("sha256").update(await Deno.readFile(path)).digest("hex") === sha256;
}
