/**
 * Copies the source to a folder of its own and puts there what only a build knows: the table of late modules, the places
 * of the threads, the addon beside the program, and the facts of the build.
 * @module
 */
import { join, relative } from "node:path";
import type { BuildInfo } from "../../cli/build_info.ts";
import { importsOf, withoutComments } from "../architecture.ts";

/** Folders that become part of the program. */
const PROGRAM = ["proto", "crypto", "net", "relay", "client", "cli"];
/**
 * What a bundle is made of: files at the top, so that all that comes out lies in one folder. `import.meta.main` holds in
 * these alone, so the first one runs the program by its name.
 */
const ENTRIES = {
  "main.ts": 'import { main } from "./cli/main.ts";\n\nDeno.exit(await main());\n',
  "sqlite_worker.ts": 'import "./relay/storage/sqlite_worker.ts";\n',
  "opaque_worker.ts": 'import "./client/opaque_worker.ts";\n',
};
/** Files of a staged folder that are to be bundled; from `main.ts` comes `main.js`. */
export const entries: readonly string[] = Object.keys(ENTRIES);

/** Files that say where the code of a thread is, the name that they say it under, and the thread's file in a bundle. */
const THREAD_PLACES = [
  ["relay/storage/sqlite_worker_place.ts", "sqliteWorkerPlace", "sqlite_worker.js"],
  ["client/opaque_worker_place.ts", "opaqueWorkerPlace", "opaque_worker.js"],
] as const;
/** Files that start a thread at such a place. */
const THREADS = ["relay/storage/sqlite_thread.ts", "client/opaque_thread.ts"];

/** Files that may ask where they are: in a bundle the answer is another one, and the build puts other text there. */
const REPLACED = ["cli/late_module.ts", ...THREAD_PLACES.map(([path]) => path), "cli/build_info.ts"];
/** `main.ts` asks only whether it is the program, `self_command.ts` only when it runs from source. */
const MAY_ASK = [...REPLACED, "cli/main.ts", "cli/self_command.ts"];

/** Fills `folder`; throws naming what a bundle could not follow. */
export async function stage(root: string, folder: string, info: BuildInfo): Promise<void> {
  const sources = new Map<string, string>();
  for await (const path of sourceFiles(root)) sources.set(path, await read(root, path));
  const problems = [...sources].flatMap(([path, text]) => unfollowable(path, text).map((what) => `${path}: ${what}`));
  if (problems.length > 0) throw new Error(`A bundle cannot hold this:\n${problems.join("\n")}`);
  sources.set("cli/late_module.ts", lateTable(sources));
  for (const [path, name, file] of THREAD_PLACES) {
    sources.set(path, `export const ${name} = new URL("./${file}", import.meta.url);\n`);
  }
  sources.set("cli/build_info.ts", `export const buildInfo = ${JSON.stringify(info)};\n`);
  sources.set("packed/database.ts", PACKED_DATABASE);
  for (const [entry, text] of Object.entries(ENTRIES)) sources.set(entry, text);
  for (const [path, text] of sources) {
    await Deno.mkdir(join(folder, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(folder, path), text);
  }
  await Deno.writeTextFile(join(folder, "deno.json"), await stagedSettings(root));
  await Deno.copyFile(join(root, "deno.lock"), join(folder, "deno.lock"));
  await Deno.symlink(join(root, "node_modules"), join(folder, "node_modules"));
}

/** What in a file a bundle could not follow or would answer otherwise, one sentence each. */
export function unfollowable(path: string, text: string): string[] {
  const code = withoutComments(text);
  const problems: string[] = [];
  if (!REPLACED.includes(path) && /\bimport\(\s*[^\s"']/.test(code)) {
    problems.push("imports a computed name; cli/late_module.ts is for that");
  }
  if (/\bnew Worker\(/.test(code) && !THREADS.includes(path)) {
    problems.push("starts a thread whose code would not be in the tree");
  }
  if (/\bimport\.meta\.(url|dirname|filename|resolve)\b/.test(code) && !MAY_ASK.includes(path)) {
    problems.push("asks where it is");
  }
  return problems;
}

/** Every command, and every module that the source loads late by a literal path. */
export function lateTable(sources: ReadonlyMap<string, string>): string {
  const wanted = new Set<string>();
  for (const [path, text] of sources) {
    if (/^cli\/commands\/\w+\.ts$/.test(path)) wanted.add(path.slice("cli/".length));
    if (!importsOf(text).some((specifier) => specifier.endsWith("/late_module.ts"))) continue;
    for (const [, literal] of text.matchAll(/\blateModule\b[^;`]*?\(\s*"([\w/]+\.ts)",?\s*\)/g)) wanted.add(literal);
  }
  const rows = [...wanted].sort().map((path) => `  ${JSON.stringify(path)}: () => import("./${path}"),`);
  return `const table = {\n${rows.join("\n")}\n};\n` +
    `export async function lateModule(path) {\n` +
    `  if (!Object.hasOwn(table, path)) throw new Error("This build holds no module " + path);\n` +
    `  return await table[path]();\n}\n`;
}

/** The addon lies beside the bundle; the package would look for it in `../prebuilds`. */
const PACKED_DATABASE = `import { createRequire } from "node:module";
import Database from "better-sqlite3-package";
let addon;
/** The package's own, told where the addon is. */
export default class PackedDatabase extends Database {
  constructor(path, options) {
    addon ??= createRequire(import.meta.url)(import.meta.dirname + "/better_sqlite3.node");
    super(path, { ...options, nativeBinding: addon });
  }
}
`;

async function stagedSettings(root: string): Promise<string> {
  const { imports, compilerOptions, unstable } = JSON.parse(await read(root, "deno.json"));
  imports["better-sqlite3-package"] = imports["better-sqlite3"];
  imports["better-sqlite3"] = "./packed/database.ts";
  return JSON.stringify({ imports, compilerOptions, unstable, nodeModulesDir: "manual" });
}

/** Paths of all files that become part of the program. */
export async function* sourceFiles(root: string): AsyncGenerator<string> {
  for (const room of PROGRAM) yield* filesOf(root, room);
}

async function* filesOf(root: string, folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesOf(root, path);
    else if (entry.name.endsWith(".ts")) yield relative(root, join(root, path));
  }
}

async function read(root: string, path: string): Promise<string> {
  return await Deno.readTextFile(join(root, path));
}
