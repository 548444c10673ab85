/**
 * The self-extracting file: a shell header of 8,192 bytes, then the tree as a gzip'd tar.
 * @module
 */
import { sha256Hex } from "./inputs.ts";
import { gzip9, type TreeFile, ustar } from "./tar.ts";

/** Where the payload begins: any dd finds it by one block. */
export const HEADER_BYTES = 8192;

/** The file for a tree. `script` is packaging/onefile/header.sh; throws when the filled-in header has no room. */
export async function oneFile(files: readonly TreeFile[], script: string): Promise<Uint8Array<ArrayBuffer>> {
  const id = await treeId(files);
  const payload = gzip9(ustar(files));
  // One `mv` renames the folder into place: what a disk block wastes for each file is counted too.
  const kilobytes = files.reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / 4096) * 4, 0);
  const file = new Uint8Array(HEADER_BYTES + payload.length);
  file.set(header(script, id, kilobytes));
  file.set(payload, HEADER_BYTES);
  return file;
}

/** What a tree is called in the cache: the SHA-256 of its SHA256SUMS, so that it names the content and nothing else. */
export async function treeId(files: readonly TreeFile[]): Promise<string> {
  return await sha256Hex(files.find(({ path }) => path === "SHA256SUMS")!.bytes);
}

/** The filled-in header, newlines behind it. */
export function header(script: string, id: string, kilobytes: number): Uint8Array {
  const text = script.replaceAll("@ID@", id).replaceAll("@KB@", String(kilobytes));
  const bytes = new TextEncoder().encode(text);
  if (/@[A-Z]+@/.test(text)) throw new Error("A mark of the header was not filled in");
  if (bytes.length >= HEADER_BYTES) throw new Error(`The header has ${bytes.length} bytes; ${HEADER_BYTES - 1} fit`);
  const block = new Uint8Array(HEADER_BYTES).fill(0x0a);
  block.set(bytes);
  return block;
}
