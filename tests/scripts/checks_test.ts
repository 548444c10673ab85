/**
 * The scripts that judge the rest are judged here: they count what deno prints and refuse what they must.
 * @module
 */
import assert from "node:assert/strict";
import { isAllowed, placeOf } from "../../scripts/check_licences.ts";
import { localLinks, namedFiles } from "../../scripts/check_links.ts";
import { hostsIn } from "../../scripts/check_no_hosts.ts";
import { readSummary, settle } from "../../scripts/deno_test.ts";
import { errorsPage, methodTable, withMethodTable } from "../../scripts/gen_docs.ts";
import { errorTable } from "../../proto/errors.ts";
import { exitCodes } from "../../proto/exit_codes.ts";
import { methods } from "../../proto/methods.ts";

const summaries: readonly (readonly [string, readonly [number, number, number] | null])[] = [
  ["ok | 12 passed | 0 failed (2s)", [12, 0, 0]],
  ["ok | 12 passed (3 steps) | 0 failed (1m2s)", [12, 0, 0]],
  ["FAILED | 2 passed (1 step) | 1 failed (2 steps) | 4 ignored (12ms)", [2, 1, 4]],
  ["ok | 0 passed | 0 failed | 1 ignored | 7 filtered out (3ms)", [0, 0, 1]],
  ["a test named ok | 3 passed | 0 failed ... ok (1ms)", null],
  ["12 passed, 0 failed", null],
];

for (const [line, expected] of summaries) {
  Deno.test(`deno's closing line is read: ${line}`, () => {
    const counts = readSummary(line);
    assert.deepEqual(counts && [counts.passed, counts.failed, counts.ignored], expected);
  });
}

Deno.test("a run that fails without a counted failure counts as one", () => {
  assert.equal(settle(null, 0).failed, 1);
  assert.equal(settle(null, 1).failed, 1);
  assert.equal(settle({ passed: 3, failed: 0, ignored: 0 }, 1).failed, 1);
  assert.equal(settle({ passed: 3, failed: 2, ignored: 0 }, 1).failed, 2);
  assert.equal(settle({ passed: 3, failed: 0, ignored: 0 }, 0).failed, 0);
});

const licences: readonly (readonly [string, boolean])[] = [
  ["MIT", true],
  ["(Apache-2.0 AND BSD-3-Clause)", true],
  ["(MIT OR GPL-3.0-only)", true],
  ["GPL-3.0-only OR (ISC AND 0BSD)", true],
  ["GPL-3.0-only", false],
  ["MIT AND GPL-3.0-only", false],
  ["(MIT", false],
  ["MIT)", false],
  ["MIT MIT", false],
  ["SEE LICENSE IN LICENSE.md", false],
  ["", false],
];

for (const [expression, allowed] of licences) {
  Deno.test(`licence "${expression}" is ${allowed ? "allowed" : "refused"}`, () => {
    assert.equal(isAllowed(expression), allowed);
  });
}

Deno.test("a locked package is found in its folder", () => {
  assert.deepEqual(placeOf("@noble/hashes@2.4.0"), { name: "@noble/hashes", folder: "@noble+hashes@2.4.0" });
  assert.deepEqual(placeOf("a@1.0.0_b@2.0.0"), { name: "a", folder: "a@1.0.0" });
});

Deno.test("hosts are found and npm: specifiers are not hosts", () => {
  assert.deepEqual(hostsIn('"a": "npm:a@1.0.0",\n"b": "https://registry.example/b"'), [
    '2: "b": "https://registry.example/b"',
  ]);
  assert.equal(hostsIn('"tarball": "x"').length, 1);
});

Deno.test("only links to files are followed", () => {
  const page = "[a](docs/a.md#part) [b](https://x.example) [c](#here) ![d](d.png)";
  assert.deepEqual(localLinks(page), ["docs/a.md", "d.png"]);
});

Deno.test("names of source files and folders are followed, other code is not", () => {
  const page = "`proto/frame.ts` `relay/` `relay/storage/` `deno task ok` `relay.toml` `net/*.ts` `/metrics`";
  assert.deepEqual(namedFiles(page), ["proto/frame.ts", "relay/", "relay/storage/"]);
});

Deno.test("the page of errors names every code, and explains every exit code in the table", () => {
  const page = errorsPage();
  for (const [code, { exit }] of Object.entries(errorTable)) {
    assert.ok(page.includes(`| \`${code}\` |`), code);
    assert.ok(exitCodes.some(([known]) => known === exit), `${exit}`);
  }
});

Deno.test("the page of the protocol names every call between its markers", () => {
  const marker = (edge: string) => `<!-- generated${edge} -->`;
  const page = `before\n${marker(" from proto/methods.ts by scripts/gen_docs.ts: begin")}\nold\n${
    marker(": end")
  }\nafter`;
  const made = withMethodTable(page);
  for (const row of methods.values()) assert.ok(made.includes(`| ${row.number} | \`${row.service}.${row.name}\``));
  assert.ok(made.startsWith("before\n") && made.endsWith("\nafter") && !made.includes("\nold\n"));
  assert.equal(withMethodTable(made), made);
  assert.equal(methodTable().split("\n").length, methods.size + 2);
  assert.throws(() => withMethodTable("no markers"), /markers/);
});
