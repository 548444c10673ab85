/** Reads files and stdin that a user named; failures say the path. @module */
import { concatAll } from "../crypto/concat.ts";
import { QightError } from "../proto/errors.ts";

/** All bytes of a file, or of stdin for `-`; throws `no_input`. `limit` in bytes stops before memory does. */
export async function readInput(path: string, limit = Infinity): Promise<Uint8Array> {
  if (path === "-") return await readStdin(limit);
  try {
    using file = await Deno.open(path, { read: true });
    const { isDirectory } = await file.stat();
    if (isDirectory) throw new QightError("no_input", `${path} is a folder`);
    return await readAll(file.readable, limit, path);
  } catch (error) {
    if (error instanceof QightError) throw error;
    throw new QightError("no_input", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** All bytes of stdin. */
export async function readStdin(limit = Infinity): Promise<Uint8Array> {
  return await readAll(Deno.stdin.readable, limit, "standard input");
}

/** Text of a file, at most 1 MiB. */
export async function readTextInput(path: string): Promise<string> {
  return new TextDecoder().decode(await readInput(path, 1024 * 1024));
}

async function readAll(readable: ReadableStream<Uint8Array>, limit: number, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of readable) {
    size += chunk.length;
    if (size > limit) throw new QightError("message_too_large", `${name} is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return concatAll(chunks);
}
