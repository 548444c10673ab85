/**
 * S1, a package publisher or a worm: an install script or a bad update does not come in unseen.
 * @module
 */
import assert from "node:assert/strict";
import { type Lock, packageProblems, type Settings } from "../../scripts/check_packages.ts";

const root = new URL("../../", import.meta.url);
const read = (name: string) => JSON.parse(Deno.readTextFileSync(new URL(name, root)));
const lock: Lock = read("deno.lock");
const settings: Settings = read("deno.json");
const integrity = `sha512-${"A".repeat(86)}==`;
const withPackage = (key: string, entry: Lock["npm"][string]): Lock => ({
  ...lock,
  npm: { ...lock.npm, [key]: entry },
});
const [victim] = Object.keys(lock.npm).filter((key) => key.startsWith("ws@"));

Deno.test("S1: the lock file is frozen and every package in it has a note and a hash", () => {
  assert.deepEqual(packageProblems(lock, settings), []);
});

const attacks: [string, Lock, Settings, RegExp][] = [
  [
    "a package that a dependency brings along",
    withPackage("left-pad@1.3.0", { integrity }),
    settings,
    /left-pad.*without a note/,
  ],
  [
    "a new version of a known package with an install script",
    withPackage("ws@8.23.1", { integrity, scripts: true }),
    settings,
    /ws@8\.23\.1: has a lifecycle script/,
  ],
  ["a package without a hash", withPackage(victim, {}), settings, /no SHA-512/],
  ["a package with a weak hash", withPackage(victim, { integrity: "sha1-abc=" }), settings, /no SHA-512/],
  [
    "code from another place than npm",
    { ...lock, remote: { "https://x.example/a.ts": "1" } },
    settings,
    /section "remote"/,
  ],
  ["a lock file that installs may change", lock, { ...settings, lock: { frozen: false } }, /not frozen/],
  ["a lock file that is not frozen by default", lock, { ...settings, lock: "./deno.lock" }, /not frozen/],
  ["a range in place of a version", lock, { ...settings, imports: { ws: "npm:ws@^8.23.0" } }, /not one exact version/],
  ["lifecycle scripts in the settings", lock, { ...settings, allowScripts: ["npm:ws"] }, /scripts would run/],
  ["lifecycle scripts in a task", lock, { ...settings, tasks: { x: "deno i --allow-scripts" } }, /scripts would run/],
];

for (const [name, badLock, badSettings, said] of attacks) {
  Deno.test(`S1: ${name} fails the check`, () => {
    const problems = packageProblems(badLock, badSettings);
    assert.ok(problems.some((problem) => said.test(problem)), problems.join("\n"));
  });
}

Deno.test("S1: a note stays only as long as its package", () => {
  assert.match(packageProblems(lock, settings, { gone: "was here" }).join("\n"), /gone: a note without a package/);
});
