/** Global options, secrets, settings and their origins. @module */
import assert from "node:assert/strict";
import { errorOf, row, World } from "./harness.ts";

const world = new World();
const user = world.person("user");
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

row("--json before and after the subcommand gives identical bytes", async () => {
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
  row(`${args.join(" ")} is refused with 64: secrets are never in argv`, async () => {
    const outcome = await user.run(["key", "gen", "--json", ...args]);
    assert.equal(outcome.code, 64);
    assert.equal(errorOf(outcome).code, "secret_in_argv");
    assert.match(errorOf(outcome).hint, /-file FILE/);
    assert.ok(!outcome.stderr.includes('"x"'));
  });
}

row("QIGHT_PASSPHRASE is refused with a hint that names QIGHT_PASSPHRASE_FILE", async () => {
  const outcome = await user.run(["whoami", "--json"], { env: { QIGHT_PASSPHRASE: "x" } });
  assert.equal(outcome.code, 64);
  assert.match(errorOf(outcome).hint, /QIGHT_PASSPHRASE_FILE/);
});

row("a variable that is set but empty counts as unset", async () => {
  const env = { QIGHT_PASSPHRASE: "", QIGHT_RELAY: "", QIGHT_CONFIG: "", QIGHT_TIMEOUT: "" };
  assert.equal((await user.run(["whoami"], { env })).code, 0);
});

row("a stack is shown only with --debug, and no source path without", async () => {
  const plain = await user.run(["ping"]);
  assert.ok(!plain.stderr.includes("file://") && !plain.stderr.includes("    at "), plain.stderr);
  assert.match((await user.run(["ping", "--debug"])).stderr, / {4}at /);
});

row("flags beat the environment, the environment beats the file, the file beats the default", async () => {
  const [flag, variable, file] = ["flag", "variable", "file"].map((name) => `qight://${name}.example:4433`);
  const config = user.file("order.toml", `default_context = "a"\n[context.a]\nrelay = "${file}"\ntimeout = "7s"\n`);
  const show = async (args: string[], env: Record<string, string> = {}) =>
    JSON.parse(await user.ok(["config", "show", "--origin", "--json", "-c", config, ...args], { env })).relay;
  const env = { QIGHT_RELAY: variable };
  assert.deepEqual(await show(["--relay", flag], env), { value: flag, origin: "flag" });
  assert.deepEqual(await show([], env), { value: variable, origin: "environment" });
  assert.deepEqual(await show([]), { value: file, origin: "file" });
  const bare = JSON.parse(await user.ok(["config", "show", "--origin", "--json"]));
  assert.deepEqual(bare.timeout, { value: "10s", origin: "default" });
  assert.match(await user.ok(["config", "show", "--origin", "-c", config]), /^timeout +7s {2}\(file\)$/m);
});

row("config path moves with XDG_CONFIG_HOME", async () => {
  assert.equal(await user.ok(["config", "path"], { env: { XDG_CONFIG_HOME: "/x" } }), "/x/qight/config.toml");
});

row("XDG_DATA_HOME moves every data file", async () => {
  const moved = user.path("moved");
  await user.ok(["key", "gen", "--no-passphrase"], { env: { XDG_DATA_HOME: moved } });
  const found = [...Deno.readDirSync(`${moved}/qight`)].map(({ name }) => name).sort();
  assert.deepEqual(found, ["identity.key", "identity.key.pub"]);
});

row("config check of a good file and of a missing one exits 0", async () => {
  const good = user.file("good.toml", '[context.home]\nrelay = "qight://host.example"\n[output]\ntime = "utc"\n');
  assert.match(await user.ok(["config", "check", "-c", good]), /is valid$/);
  assert.match(await user.ok(["config", "check"]), /does not exist/);
});

const wrongConfigs: [text: string, message: RegExp][] = [
  ["rellay = 1\n", /:1:1: unknown key rellay/],
  ['[context.a]\nrelai = "x"\n', /:2:1: unknown key context\.a\.relai, did you mean relay\?/],
  ["default_context = 3\n", /:1:1: default_context must be a string/],
  ['[output]\ntime = "gmt"\n', /:2:1: output\.time must be one of local, utc/],
  ["context = 3\n", /:1:1: context must be a table/],
  ["default_context = \n", /:1:\d+: /],
];
for (const [text, message] of wrongConfigs) {
  row(`config.toml ${JSON.stringify(text)} is 78 with line and column`, async () => {
    const path = user.file("wrong.toml", text);
    const outcome = await user.run(["config", "check", "--json", "-c", path]);
    assert.equal(outcome.code, 78);
    assert.equal(errorOf(outcome).code, "config");
    assert.match(errorOf(outcome).message, message);
    assert.ok(errorOf(outcome).message.includes(path), "the path is named");
  });
}

row("a context that does not exist is 78", async () => {
  assert.equal((await user.run(["whoami", "--context", "nowhere"])).code, 78);
});

row("a config file that was asked for and is missing is 66", async () => {
  assert.equal((await user.run(["whoami", "-c", "/nonexistent/config.toml"])).code, 66);
});

row("--no-input never opens the terminal: a passphrase that is needed is 64", async () => {
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

row("output holds no escape byte with NO_COLOR, TERM=dumb or a pipe", async () => {
  const cases: Record<string, string>[] = [{ NO_COLOR: "1" }, { TERM: "dumb" }, { FORCE_COLOR: "0" }];
  for (const env of cases) {
    for (const args of [["help"], ["whoami"], ["nonsense"], ["key", "list"], ["ping", "--debug"]]) {
      const { stdout, stderr } = await user.run(args, { env });
      assert.ok(!(stdout + stderr).includes("\x1b"), args.join(" "));
    }
  }
});
