/**
 * Reads what packages carry beside the tree: service files, scripts, configuration.
 * @module
 */

/** Bytes of a file of packaging/, named from there. */
export async function packagingFile(path: string): Promise<Uint8Array> {
  return await Deno.readFile(new URL(`../../packaging/${path}`, import.meta.url));
}
