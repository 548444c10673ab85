/**
 * Runs the tests with coverage, whole commands in processes of their own included, and prints how much of each room they
 * reach and which files they reach least. `deno task coverage [TEST FOLDER…]`; lines by number go to coverage/lcov.info.
 * @module
 */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { readCoverage, roomsOf, thinFiles } from "./coverage_table.ts";

/** Files below this share of their lines are listed, percent. */
const THIN = 70;
/** Helpers hold no tests; the rig tests itself, and its rows have a task of their own. */
const NOT_HERE = ["helpers", "prove"];

const root = fileURLToPath(new URL("..", import.meta.url));
Deno.chdir(root);
const given = Deno.args.length > 0 ? Deno.args : undefined;
const folders = given ?? [...Deno.readDirSync("tests")]
  .filter((entry) => entry.isDirectory && !NOT_HERE.includes(entry.name))
  .map((entry) => `tests/${entry.name}`)
  .sort();

const profiles = `${root}coverage`;
const tested = await deno(["test", "-A", "--clean", `--coverage=${profiles}`, "--coverage-raw-data-only", ...folders], {
  // Deno's own variable: programs that the tests start leave their profiles there too.
  DENO_COVERAGE_DIR: profiles,
});
const report = `${profiles}/lcov.info`;
const excluded = "--exclude=/(tests|scripts|bench|proto/gen|node_modules)/";
const written = await deno(["coverage", "--lcov", `--output=${report}`, excluded, profiles]);
if (written !== 0) Deno.exit(written);

const files = readCoverage(await Deno.readTextFile(report)).map((file) => ({
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

async function deno(args: string[], env: Record<string, string> = {}): Promise<number> {
  return (await new Deno.Command(Deno.execPath(), { args, env, stdin: "null" }).spawn().status).code;
}
