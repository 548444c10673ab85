/**
 * Reads the licence of every package in the lock file and refuses those that do not go with MIT.
 * @module
 */
import { fileURLToPath } from "node:url";

/** Licences that code under MIT may depend on. */
const ALLOWED = new Set([
  "MIT",
  "MIT-0",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "0BSD",
  "Unlicense",
  "CC0-1.0",
  "BlueOak-1.0.0",
  "Python-2.0",
  "Zlib",
]);

/** Whether an SPDX expression can be met with allowed licences alone; what cannot be read is not. */
export function isAllowed(expression: string): boolean {
  const tokens = expression.match(/\(|\)|[^\s()]+/g) ?? [];
  let at = 0;
  const either = (): boolean => {
    let ok = both();
    while (tokens[at] === "OR") {
      at++;
      ok = both() || ok;
    }
    return ok;
  };
  const both = (): boolean => {
    let ok = one();
    while (tokens[at] === "AND") {
      at++;
      ok = one() && ok;
    }
    return ok;
  };
  const one = (): boolean => {
    const token = tokens[at++];
    if (token !== "(") return token !== undefined && ALLOWED.has(token);
    const ok = either();
    return tokens[at++] === ")" && ok;
  };
  return either() && at === tokens.length;
}

interface Lock {
  readonly npm: Record<string, { readonly os?: readonly string[]; readonly cpu?: readonly string[] }>;
}

/** Folder and name of a locked package such as `@noble/hashes@2.4.0` or `a@1.0.0_b@2.0.0` (peers follow the `_`). */
export function placeOf(key: string): { name: string; folder: string } {
  const at = key.indexOf("@", 1);
  const version = key.slice(at + 1).split("_")[0];
  const name = key.slice(0, at);
  return { name, folder: `${name.replace("/", "+")}@${version}` };
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${root}deno.lock`));
  const bad: string[] = [];
  const elsewhere: string[] = [];
  let good = 0;
  for (const [key, entry] of Object.entries(lock.npm)) {
    const { name, folder } = placeOf(key);
    const manifest = `${root}node_modules/.deno/${folder}/node_modules/${name}/package.json`;
    let text: string;
    try {
      text = await Deno.readTextFile(manifest);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      // A platform's own binary (the lock names its system) is only installed there; anything else must be here.
      if (entry.os || entry.cpu) elsewhere.push(name);
      else bad.push(`${key}: not installed, so its licence cannot be read`);
      continue;
    }
    const licence: unknown = JSON.parse(text).license;
    if (typeof licence === "string" && isAllowed(licence)) good++;
    else bad.push(`${key}: licence ${JSON.stringify(licence ?? "missing")}`);
  }
  for (const line of bad) console.error(line);
  if (bad.length > 0) Deno.exit(1);
  console.log(`${good} packages have a licence that goes with MIT; ${elsewhere.length} are for other systems`);
}
