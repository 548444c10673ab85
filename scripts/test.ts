/**
 * Runs every test and closes with `N passed, N failed`: units and whole commands, and beside them what needs no
 * quiet: fuzzing, attackers, scenarios and the examples in the docs.
 * @module
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Counts, denoTest, toStdout } from "./deno_test.ts";

/** Ten minutes on two cores are the goal; what takes twice as long hangs and is ended. */
const GOAL_MS = 600_000;
const BUDGET_MS = 2 * GOAL_MS;
/** Starts one program after the other; it has the machine for itself. */
const PROGRAMS = "commands";
/** Folders that need a core and no quiet: they run beside the others, and their output comes when they are done. */
const BESIDE = ["fuzz", "attackers", "scenarios"];
/** Imported by tests, holds none. */
const NOT_HERE = ["helpers"];
/** Where documented examples live. */
const DOCUMENTED = ["mod.ts", "crypto", "proto"];

const root = fileURLToPath(new URL("..", import.meta.url));
Deno.chdir(root);
const startedMs = Date.now();
const deadlineMs = startedMs + BUDGET_MS;
await installIfAbsent();

type Group = readonly [name: string, args: readonly string[]];

const units: Group = [
  "units and contracts",
  ["-A", ...foldersOfTests((name) => name !== PROGRAMS && !BESIDE.includes(name))],
];
// Most of a command's second is its start, on one core: two files at a time.
const programs: Group = ["commands", ["-A", "--parallel", ...foldersOfTests((name) => name === PROGRAMS)]];
const beside: readonly Group[] = [
  ...BESIDE.map((name) => [name, ["-A", ...foldersOfTests((other) => other === name)]] as const),
  ["examples", ["-A", "--doc", "--permit-no-files", ...DOCUMENTED.filter((path) => existsSync(path))]],
];

const total: Counts = { passed: 0, failed: 0, ignored: 0 };
const aloud = async (name: string, args: readonly string[]) => {
  console.log(`\n== ${name}`);
  return await denoTest(args, deadlineMs);
};
await Promise.all([
  runAll([units], aloud),
  runAll(beside, async (name, args) => {
    const said: Uint8Array[] = [];
    const counts = await denoTest(args, deadlineMs, (chunk) => Promise.resolve(void said.push(chunk)));
    await toStdout(new TextEncoder().encode(`\n== ${name}\n`));
    for (const chunk of said) await toStdout(chunk);
    return counts;
  }),
]);
await runAll([programs], aloud);
const tookMs = Date.now() - startedMs;
if (tookMs > GOAL_MS) console.log(`the tests took ${Math.round(tookMs / 60_000)} minutes; the goal is 10`);
if (total.ignored > 0) console.log(`${total.ignored} ignored (the name of each says why)`);
console.log(`${total.passed} passed, ${total.failed} failed`);
if (total.failed > 0 || total.passed === 0) Deno.exit(1);

async function runAll(groups: readonly Group[], run: (...group: Group) => Promise<Counts>): Promise<void> {
  for (const [name, args] of groups) {
    if (args.length === 1) continue;
    const counts = await run(name, args);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.ignored += counts.ignored;
  }
}

function foldersOfTests(wanted: (name: string) => boolean): string[] {
  return [...Deno.readDirSync("tests")]
    .filter((entry) => entry.isDirectory || entry.name.endsWith("_test.ts"))
    .map((entry) => entry.name)
    .filter((name) => !NOT_HERE.includes(name) && wanted(name))
    .sort()
    .map((name) => `tests/${name}`);
}

/** Tests start programs at the same time; they must not all install. */
async function installIfAbsent(): Promise<void> {
  if (existsSync("node_modules/.deno")) return;
  const { code } = await new Deno.Command(Deno.execPath(), { args: ["install", "--frozen"], stdin: "null" }).spawn()
    .status;
  if (code !== 0) {
    console.log("0 passed, 1 failed");
    Deno.exit(code);
  }
}
