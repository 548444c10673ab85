/**
 * A folder in memory where there is one: stores that are opened by the hundred sync, and on a real disk that is most of the time.
 * @module
 */

/** Disposing of it removes it. */
export function memoryFolder(): { readonly path: string } & Disposable {
  const dir = Deno.build.os === "linux" ? { dir: "/dev/shm" } : {};
  const path = Deno.makeTempDirSync({ prefix: "qight-", ...dir });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}
