/**
 * Modules of cli/ that are loaded when they are first wanted. `deno task build` puts a table of literal imports in the
 * place of this file: a bundler follows only those, and Deno reads every literal one at each start.
 * @module
 */

/** The first module of a command, and the first that needs packages. */
const FIRST = "run.ts";

/** The module at a path below cli/, for example `commands/send.ts`; the type is the caller's word. */
export async function lateModule<T>(path: string): Promise<T> {
  if (path === FIRST) await fetchPackagesIfAbsent();
  return await import(new URL(path, import.meta.url).href);
}

/**
 * Fetches the packages of a clone that nobody has run yet. The alias of the README starts Deno
 * with `--node-modules-dir=manual`: by itself Deno fetches too, but then compares node_modules with the lock file some fifty
 * times at each start, which takes longer than to send a message.
 */
async function fetchPackagesIfAbsent(): Promise<void> {
  const root = new URL("../", import.meta.url);
  if (isThere(new URL("node_modules/.deno", root))) return;
  console.error("qight: the first start from this clone; fetching its packages");
  const { execPath, Command } = Deno;
  await new Command(execPath(), { args: ["install", "--frozen", "--quiet"], cwd: root, stdin: "null", stdout: "null" })
    .spawn().status; // what is missing then is said by the import, with its name
}

function isThere(path: URL): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
