/**
 * The house keeps its own rules: import directions, file names and lengths, first lines. The checker is tested too.
 * @module
 */
import assert from "node:assert/strict";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { importsOf, isLong, mayImport, missingPages, violations, WARN_LINES } from "../scripts/architecture.ts";
import { importCircles } from "../scripts/import_circles.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Everything that people write; generated code is tested for freshness instead. */
const FOLDERS = [...Object.keys(mayImport).filter((name) => !name.endsWith(".ts")), "scripts", "tests", "bench"];
const GENERATED = "proto/gen/";
/** In two parts, so that this file passes the rule it tests. */
const CATCH = "ca" + "tch";
const HEAD = "/** A room. @module */\n";

Deno.test("every file keeps the rules of the house", async () => {
  const problems: string[] = [];
  let files = 0;
  for (const path of await sourceFiles()) {
    const text = await Deno.readTextFile(root + path);
    files++;
    if (isLong(text)) console.log(`${path}: more than ${WARN_LINES} lines`);
    for (const page of missingPages(text)) console.log(`${path}: names ${page}, which is not in this project`);
    for (const problem of violations(path, text)) problems.push(`${path}: ${problem}`);
  }
  assert.ok(files > 20, `only ${files} files were seen`);
  assert.deepEqual(problems, []);
});

Deno.test("no import points to a folder outside the table", async () => {
  const outside: string[] = [];
  for (const path of await sourceFiles()) {
    if (/^(tests|scripts|bench)\//.test(path)) continue;
    for (const specifier of importsOf(await Deno.readTextFile(root + path))) {
      if (/^(\.\.\/)+(tests|scripts|bench)\//.test(specifier)) outside.push(`${path}: ${specifier}`);
    }
  }
  assert.deepEqual(outside, []);
});

Deno.test("no files import each other in a circle, but for /help, which lists the commands that it is one of", async () => {
  const texts = new Map<string, string>();
  for (const path of await sourceFiles()) texts.set(path, await Deno.readTextFile(root + path));
  assert.deepEqual(importCircles(texts), [["cli/repl/commands.ts", "cli/repl/commands/help.ts"]]);
});

const importing: readonly (readonly [what: string, files: Record<string, string>, circles: string[][]])[] = [
  ["two files that take from each other", {
    "a.ts": 'import { b } from "./b.ts";',
    "b.ts": 'import { a } from "./a.ts";',
  }, [["a.ts", "b.ts"]]],
  ["a circle of three, over a re-export and an import for its effect", {
    "x/a.ts": 'import {\n  type T,\n  b,\n} from "./b.ts";',
    "x/b.ts": 'export * from "../c.ts";',
    "c.ts": 'import "./x/a.ts";',
  }, [["x/a.ts", "x/b.ts", "c.ts"]]],
  ["nothing where one side takes types alone", {
    "a.ts": 'import { b } from "./b.ts";',
    "b.ts": 'import type { A } from "./a.ts";\nimport { type C, type D } from "./a.ts";',
  }, []],
  ["nothing where one side is loaded when it is first wanted", {
    "a.ts": 'import { b } from "./b.ts";',
    "b.ts": 'export const b = () => import("./a.ts");',
  }, []],
  ["nothing where two take from a third", {
    "a.ts": 'import { b } from "./b.ts";\nimport { c } from "./c.ts";',
    "b.ts": 'import { c } from "./c.ts";',
    "c.ts": "export const c = 1;",
  }, []],
];

for (const [what, files, circles] of importing) {
  Deno.test(`of imports the checker finds ${what}`, () => {
    assert.deepEqual(importCircles(new Map(Object.entries(files))), circles);
  });
}

const bad: readonly (readonly [string, string, string, RegExp])[] = [
  ["a file without its first line", "net/a.ts", "export const a = 1;\n", /first line/],
  ["a first comment without @module", "net/a.ts", "/** Something. */\n", /first line/],
  ["401 lines", "net/a.ts", HEAD + "\n".repeat(400), /401 lines/],
  ["a file called utils", "net/utils.ts", HEAD, /names no thing/],
  ["a folder called helpers2", "relay/helpers2/a.ts", HEAD, /names no thing/],
  ["a folder too deep", "relay/a/b/c/d.ts", HEAD, /deeper than 2/],
  [
    "proto importing crypto",
    "proto/a.ts",
    HEAD + 'import { x } from "../crypto/x.ts";',
    /may not import crypto\/x\.ts/,
  ],
  ["proto importing a library", "proto/a.ts", HEAD + 'import x from "zod";', /may not import the package zod/],
  ["crypto importing a database", "crypto/a.ts", HEAD + 'import x from "better-sqlite3";', /package better-sqlite3/],
  [
    "net importing more of proto than errors",
    "net/a.ts",
    HEAD + 'import { x } from "../proto/frame.ts";',
    /proto\/frame/,
  ],
  ["relay importing client", "relay/a.ts", HEAD + 'import type { x } from "../client/x.ts";', /may not import client/],
  ["client importing relay", "client/a.ts", HEAD + 'export * from "../relay/x.ts";', /may not import relay/],
  ["a dynamic import of cli", "client/a.ts", HEAD + 'await import("../cli/x.ts");', /may not import cli/],
  ["an import for its effect alone", "crypto/a.ts", HEAD + 'import "../net/x.ts";', /may not import net/],
  [
    "an import over many lines",
    "net/a.ts",
    HEAD + 'import {\n  a,\n  b,\n} from "../relay/x.ts";',
    /may not import relay/,
  ],
  [
    "a service that sees SQLite",
    "relay/services/a.ts",
    HEAD + 'import { x } from "../storage/sqlite.ts";',
    /services see/,
  ],
  ["crypto asking Deno", "crypto/a.ts", HEAD + "export const a = Deno.pid;", /browsers too, but says Deno\.pid/],
  ["client reading files", "client/a.ts", HEAD + 'import fs from "node:fs";', /browsers too, but imports node:fs/],
  ["QUIC outside its file", "net/a.ts", HEAD + "await Deno.connectQuic({});", /only net\/quic\.ts/],
  ["QUIC in the client", "cli/a.ts", HEAD + "new Deno.QuicEndpoint();", /only net\/quic\.ts/],
  ["ts-mls outside crypto/mls", "client/a.ts", HEAD + 'await import("ts-mls");', /only crypto\/mls\/ imports ts-mls/],
  ["a type of ts-mls in crypto", "crypto/a.ts", HEAD + 'import type { x } from "ts-mls/y.js";', /only crypto\/mls/],
  ["OPAQUE outside its file", "relay/a.ts", HEAD + 'await import("@serenity-kit/opaque");', /only crypto\/opaque\.ts/],
  ["an export without a sentence", "net/a.ts", HEAD + "\nexport async function send() {}", /export send says nothing/],
  ["work left for later", "cli/a.ts", `${HEAD}// ${"TO" + "DO"}: more\n`, /says/],
  ["an empty catch", "cli/a.ts", HEAD + `try { a(); } ${CATCH} {}`, /empty catch/],
  ["an empty catch with a name", "cli/a.ts", HEAD + `try { a(); } ${CATCH} (error) {\n}`, /empty catch/],
];

for (const [what, path, text, expected] of bad) {
  Deno.test(`the checker finds ${what}`, () => assert.match(violations(path, text).join("; "), expected));
}

const good: readonly (readonly [string, string, string])[] = [
  ["a plain file", "net/a.ts", HEAD + 'import { x } from "../proto/errors.ts";\n/** A. */\nexport const a = x;\n'],
  ["constants that share a sentence", "net/a.ts", HEAD + "/** Both. */\nexport const a = 1;\nexport const b = 2;\n"],
  ["a test that exports", "tests/net/a.ts", HEAD + "\nexport const a = 1;\n"],
  ["an import in an example", "proto/a.ts", '/**\n * Room.\n * import { x } from "../cli/x.ts";\n * @module\n */\n'],
  ["client storage reading files", "client/storage/a.ts", HEAD + 'import fs from "node:fs";'],
  ["a service that sees the interface", "relay/services/a.ts", HEAD + 'import type { S } from "../storage/store.ts";'],
  ["ts-mls in its folder", "crypto/mls/a.ts", HEAD + 'import { x } from "ts-mls/clientState.js";'],
  ["OPAQUE in its file", "crypto/opaque.ts", HEAD + 'import { ready } from "@serenity-kit/opaque";'],
  ["a catch that says why", "cli/a.ts", HEAD + "try { a(); } catch {\n  // Gone already.\n}"],
  ["a script with an interpreter line", "cli/a.ts", "#!/usr/bin/env deno\n" + HEAD],
  ["400 lines", "net/a.ts", HEAD + "\n".repeat(399)],
];

for (const [what, path, text] of good) {
  Deno.test(`the checker lets pass ${what}`, () => assert.deepEqual(violations(path, text), []));
}

async function sourceFiles(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of FOLDERS) await collect(root + folder, found);
  for await (const entry of Deno.readDir(root)) if (entry.isFile && entry.name.endsWith(".ts")) found.push(entry.name);
  return found.filter((path) => !path.startsWith(GENERATED)).sort();
}

async function collect(folder: string, found: string[]): Promise<void> {
  let entries: Deno.DirEntry[];
  try {
    entries = await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    // A folder of the table that is not built yet.
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) await collect(path, found);
    else if (entry.name.endsWith(".ts")) found.push(relative(root, path));
  }
}
