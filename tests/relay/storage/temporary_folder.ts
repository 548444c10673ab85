/**
 * A folder for one test.
 * @module
 */

/** Makes a folder; disposing of it removes it with all that is in it. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "qight-store-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}
