/** The table of `deno task coverage`. @module */
import assert from "node:assert/strict";
import { mergeCoverage, readCoverage, roomsOf, thinFiles } from "../../scripts/coverage_table.ts";

const record = (path: string, found: number, hit: number) =>
  `SF:${path}\nDA:1,1\nLF:${found}\nLH:${hit}\nend_of_record\n`;
const files = readCoverage(
  record("net/race.ts", 10, 9) + record("cli/run.ts", 10, 6) + record("cli/main.ts", 20, 20) +
    record("mod.ts", 4, 4) + record("net/connection.ts", 0, 0),
);

Deno.test("rooms are added up by name, files without a line that could run are left out, the whole is last", () => {
  assert.deepEqual(roomsOf(files), [
    { name: "cli", found: 30, hit: 26 },
    { name: "mod.ts", found: 4, hit: 4 },
    { name: "net", found: 10, hit: 9 },
    { name: "together", found: 44, hit: 39 },
  ]);
});

Deno.test("files below the bound are listed, the least first; one at the bound is not", () => {
  assert.deepEqual(thinFiles(files, 60), []);
  assert.deepEqual(thinFiles(files, 95).map(({ path }) => path), ["cli/run.ts", "net/race.ts"]);
});

Deno.test("reports of several test files are one: a line counts once, however often it ran", () => {
  const of = (path: string, ...lines: [number, number][]) =>
    `SF:${path}\n${lines.map(([at, times]) => `DA:${at},${times}\n`).join("")}LF:9\nLH:9\nend_of_record\n`;
  const merged = mergeCoverage(of("a.ts", [1, 0], [2, 1], [3, 0]), of("b.ts", [1, 1]) + of("a.ts", [2, 2], [3, 4]));
  assert.deepEqual(readCoverage(merged), [{ path: "a.ts", found: 3, hit: 2 }, { path: "b.ts", found: 1, hit: 1 }]);
  assert.match(merged, /DA:2,3\n/);
  assert.equal(mergeCoverage("", ""), "");
});
