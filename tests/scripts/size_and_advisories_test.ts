/** The gates of CI for what people download: its growth, and known holes in what it is made of. @module */
import assert from "node:assert/strict";
import { asPackageLock, holesIn } from "../../scripts/check_advisories.ts";
import { growth, type SizeLine } from "../../scripts/check_size.ts";

const before: SizeLine = {
  commit: null,
  date: "2026-11-21T00:00:00.000Z",
  file_bytes: 46_000_000,
  javascript_bytes: 2_000_000,
  packages: 40,
  first_start_ms: 1,
  warm_start_ms: 1,
  deno_run_ms: 1,
  why: "",
};

Deno.test("growth up to 3 % passes, above it each figure is named", () => {
  assert.deepEqual(growth(before, { file_bytes: 47_300_000, packages: 41 }), []);
  assert.deepEqual(growth(before, { file_bytes: 48_300_000, packages: 42 }), [
    "file_bytes grew from 46000000 to 48300000 (5.0 %)",
    "packages grew from 40 to 42 (5.0 %)",
  ]);
  assert.deepEqual(growth(undefined, before), [], "the first line has nothing before it");
});

Deno.test("what npm is asked about is what deno.lock names, a second version of a package too", () => {
  const lock = {
    npm: {
      "tslib@1.14.1": { integrity: "a" },
      "tslib@2.8.1": { integrity: "b" },
      "a@1.0.0_b@2.0.0": { integrity: "c" },
    },
  };
  const { packages } = asPackageLock(lock);
  assert.deepEqual(packages["node_modules/tslib"], { version: "1.14.1", integrity: "a" });
  assert.deepEqual(packages["node_modules/tslib-2.8.1"], { name: "tslib", version: "2.8.1", integrity: "b" });
  assert.deepEqual(packages["node_modules/a"], { version: "1.0.0", integrity: "c" });
});

Deno.test("a known hole is one sentence; an answer that is none counts as not asked", () => {
  const answer = JSON.stringify({
    vulnerabilities: {
      minimist: { severity: "critical", via: [{ title: "Prototype Pollution", range: "<1.2.6" }, "other"] },
    },
  });
  assert.deepEqual(holesIn(answer), ["minimist <1.2.6: Prototype Pollution (critical)"]);
  assert.deepEqual(holesIn('{"vulnerabilities":{}}'), []);
  assert.equal(holesIn('{"message":"405 Method Not Allowed"}'), null);
  assert.equal(holesIn(""), null);
});
