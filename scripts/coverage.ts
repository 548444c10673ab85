/**
 * Runs the tests with coverage, whole commands in processes of their own included, and prints how much of each room they
 * reach and which files they reach least. `deno task coverage [TEST FOLDER OR FILE…]`; lines by number go to
 * coverage/lcov.info. All tests take about three times as long as `deno task test`.
 * @module
 */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { mergeCoverage, readCoverage, roomsOf, thinFiles } from "./coverage_table.ts";

/** Files below this share of their lines are listed, percent. */
const THIN = 70;
/** Helpers hold no tests; the rig tests itself, and its rows have a task of their own. */
const NOT_HERE = ["helpers", "prove"];

const root = fileURLToPath(new URL("..", import.meta.url));
Deno.chdir(root);
const given = Deno.args.length > 0 ? Deno.args : [...Deno.readDirSync("tests")]
  .filter((entry) => entry.name.endsWith("_test.ts") || entry.isDirectory && !NOT_HERE.includes(entry.name))
  .map((entry) => `tests/${entry.name}`);
const profiles = `${root}coverage/profiles`;
const report = `${root}coverage/lcov.info`;

// One test file at a time: every command that a test runs leaves a profile of each of its 200 modules. Those of all tests
// together are half a million files, over which `deno coverage` does not end; those of one file take it seconds.
let tested = 0;
let merged = "";
for (const test of given.flatMap(testsBelow).sort()) {
  await remove(profiles);
  const args = ["test", "-A", `--coverage=${profiles}`, "--coverage-raw-data-only", test];
  // Deno's own variable: programs that the tests start leave their profiles there too.
  const code = await deno(args, { DENO_COVERAGE_DIR: profiles });
  tested ||= code;
  merged = mergeCoverage(merged, await lcovOf(profiles));
}
await remove(profiles);
await Deno.writeTextFile(report, merged);

const files = readCoverage(merged).map((file) => ({
  ...file,
  path: relative(root, file.path),
}));
console.log("\nlines reached, by room");
for (const { name, found, hit } of roomsOf(files)) console.log(`${percent(hit, found)}  ${name}  (${hit} of ${found})`);
console.log(`\nfiles below ${THIN} %`);
for (const { path, found, hit } of thinFiles(files, THIN)) console.log(`${percent(hit, found)}  ${path}`);
if (tested !== 0) console.log("\nsome tests failed: the figures are too low");
Deno.exit(tested);

function percent(hit: number, found: number): string {
  return `${(100 * hit / found).toFixed(1).padStart(5)} %`;
}

function testsBelow(path: string): string[] {
  if (!Deno.statSync(path).isDirectory) return [path];
  return [...Deno.readDirSync(path)].flatMap((entry) =>
    entry.isDirectory || entry.name.endsWith("_test.ts") ? testsBelow(`${path}/${entry.name}`) : []
  );
}

/** What these profiles say as lcov; nothing when no line of the project ran. */
async function lcovOf(folder: string): Promise<string> {
  const excluded = "--exclude=/(tests|scripts|bench|proto/gen|node_modules)/";
  const written = await deno(["coverage", "--quiet", "--lcov", `--output=${report}`, excluded, folder]);
  return written === 0 ? await Deno.readTextFile(report) : "";
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function deno(args: string[], env: Record<string, string> = {}): Promise<number> {
  return (await new Deno.Command(Deno.execPath(), { args, env, stdin: "null" }).spawn().status).code;
}
