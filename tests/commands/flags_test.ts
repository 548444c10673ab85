/** Global options, secrets, output. @module */
import assert from "node:assert/strict";
import { errorOf, row, World } from "./harness.ts";

const world = new World();
const user = world.person("user");
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

row("expectation 3: --json before and after the subcommand gives identical bytes", async () => {
  await user.ok(["key", "gen", "--no-passphrase"]);
  const forms = [["--json", "whoami"], ["whoami", "--json"]];
  const [before, after] = await Promise.all(forms.map((args) => user.run(args)));
  assert.equal(before.code, 0, before.stderr);
  assert.equal(before.stdout, after.stdout);
  assert.equal(before.stdout.split("\n").length, 2, "one object on one line");
  const nested = await Promise.all([["--json", "key", "show"], ["key", "--json", "show"], ["key", "show", "--json"]]
    .map((args) => user.run(args)));
  assert.equal(new Set(nested.map(({ stdout }) => stdout)).size, 1);
  assert.equal(nested[0].code, 0);
});

row("an error with --json is one object on stderr with code, message, hint and exit, in both orders", async () => {
  const [before, after] = await Promise.all([["--json", "ping"], ["ping", "--json"]].map((args) => user.run(args)));
  assert.equal(before.stderr, after.stderr);
  assert.equal(before.stdout, "");
  assert.deepEqual(Object.keys(errorOf(before)).sort(), ["code", "exit", "hint", "message"]);
  assert.equal(errorOf(before).code, "no_relay");
  assert.equal(before.code, 78);
});

for (const args of [["--password", "x"], ["--passphrase", "x"], ["--passphrase=x"], ["--token", "x"]]) {
  row(`expectation 12: ${args.join(" ")} is refused with 64: secrets are never in argv`, async () => {
    const outcome = await user.run(["key", "gen", "--json", ...args]);
    assert.equal(outcome.code, 64);
    assert.equal(errorOf(outcome).code, "secret_in_argv");
    assert.match(errorOf(outcome).hint, /-file FILE/);
    assert.ok(!outcome.stderr.includes('"x"'));
  });
}

row("expectation 13: QIGHT_PASSPHRASE is refused with a hint that names QIGHT_PASSPHRASE_FILE", async () => {
  const outcome = await user.run(["whoami", "--json"], { env: { QIGHT_PASSPHRASE: "x" } });
  assert.equal(outcome.code, 64);
  assert.match(errorOf(outcome).hint, /QIGHT_PASSPHRASE_FILE/);
});

row("a variable that is set but empty counts as unset", async () => {
  const env = { QIGHT_PASSPHRASE: "", QIGHT_RELAY: "", QIGHT_CONFIG: "", QIGHT_TIMEOUT: "" };
  assert.equal((await user.run(["whoami"], { env })).code, 0);
});

row("expectation 49: a stack is shown only with --debug, and no source path without", async () => {
  const plain = await user.run(["ping"]);
  assert.ok(!plain.stderr.includes("file://") && !plain.stderr.includes("    at "), plain.stderr);
  assert.match((await user.run(["ping", "--debug"])).stderr, / {4}at /);
});

row("expectation 50: --no-input never opens the terminal: a passphrase that is needed is 64", async () => {
  const outcome = await user.run(["key", "gen", "--no-input", "--json", "--identity", user.path("other.key")]);
  assert.equal(outcome.code, 64);
  assert.equal(errorOf(outcome).code, "passphrase_needed");
});

for (const timeout of ["10", "0s", "1x", "", "s"]) {
  row(`--timeout "${timeout}" is ${timeout === "" ? "as if not given" : "refused with 64"}`, async () => {
    const { code } = await user.run(["config", "show", "--timeout", timeout]);
    assert.equal(code, timeout === "" ? 0 : 64);
  });
}

row("options of commander style with = are understood, and an option without its value is 64", async () => {
  assert.equal((await user.run(["config", "show", "--timeout=5s"])).code, 0);
  assert.equal((await user.run(["config", "show", "--timeout"])).code, 64);
});

row("expectation 26: output holds no escape byte with NO_COLOR, TERM=dumb or a pipe", async () => {
  const cases: Record<string, string>[] = [{ NO_COLOR: "1" }, { TERM: "dumb" }, { FORCE_COLOR: "0" }];
  for (const env of cases) {
    for (const args of [["help"], ["whoami"], ["nonsense"], ["key", "list"], ["ping", "--debug"]]) {
      const { stdout, stderr } = await user.run(args, { env });
      assert.ok(!(stdout + stderr).includes("\x1b"), args.join(" "));
    }
  }
});
