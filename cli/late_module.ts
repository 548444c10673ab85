/**
 * Modules of cli/ that are loaded when they are first wanted. `deno task build` puts a table of literal imports in the
 * place of this file: a bundler follows only those, and Deno reads every literal one at each start.
 * @module
 */

/** The module at a path below cli/, for example `commands/send.ts`; the type is the caller's word. */
export async function lateModule<T>(path: string): Promise<T> {
  return await import(new URL(path, import.meta.url).href);
}
