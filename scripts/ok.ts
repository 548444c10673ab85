/**
 * All that must be green before a change enters; closes with `N passed, N failed` over the checks and the tests.
 * @module
 */
import { fileURLToPath } from "node:url";

Deno.chdir(fileURLToPath(new URL("..", import.meta.url)));

/** Cheap first: a wrong space should not wait for the tests. The architecture test is among the tests. */
const checks: (readonly [string, readonly string[]])[] = [
  ["install", ["install", "--frozen"]],
  ["format", ["fmt", "--check"]],
  ["lint", ["lint"]],
  ["types", ["check", "."]],
  ["generated code", ["run", "-A", "scripts/gen.ts", "--check"]],
  ["architecture", ["test", "-A", "tests/architecture_test.ts"]],
  ["no registry hosts", ["run", "-A", "scripts/check_no_hosts.ts"]],
  ["packages", ["run", "-A", "scripts/check_packages.ts"]],
  ["licences", ["run", "-A", "scripts/check_licences.ts"]],
  ["advisories", ["run", "-A", "scripts/check_advisories.ts"]],
  ["size", ["run", "-A", "scripts/check_size.ts"]],
  ["docs", ["run", "-A", "scripts/gen_docs.ts", "--check"]],
  ["links", ["run", "-A", "scripts/check_links.ts"]],
];

let passed = 0;
let failed = 0;
for (const [name, args] of checks) {
  console.log(`\n== ${name}: deno ${args.join(" ")}`);
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...args], stdin: "null" }).spawn().status;
  if (code === 0) passed++;
  else {
    failed++;
    console.log(`${name} FAILED (exit ${code})`);
  }
}

const tests = await runTests();
passed += tests.passed;
failed += tests.failed;
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);

/** The README's own command; its closing line is shown as a part of the sum, so that the sum is the only one. */
async function runTests(): Promise<{ passed: number; failed: number }> {
  const child = new Deno.Command(Deno.execPath(), { args: ["task", "test"], stdin: "null", stdout: "piped" }).spawn();
  const counts = { passed: 0, failed: 0, seen: false };
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const closing = /^(\d+) passed, (\d+) failed$/.exec(line);
      if (closing) Object.assign(counts, { passed: Number(closing[1]), failed: Number(closing[2]), seen: true });
      console.log(closing ? `tests: ${line}; checks: ${passed} passed, ${failed} failed` : line);
    }
  }
  const { code } = await child.status;
  if (!counts.seen || (code !== 0 && counts.failed === 0)) counts.failed++;
  return counts;
}
