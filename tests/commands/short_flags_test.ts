/** The short global flags mean what they mean elsewhere. @module */
import assert from "node:assert/strict";
import { hasTerminal } from "../../cli/terminal.ts";
import { cliArguments, row, World } from "./harness.ts";

const world = new World();
const user = world.person("user");
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

row("expectation 50: -v says more and repeats, -q says less", async () => {
  const relay = ["--relay", "qight://relay.example:4433"];
  await user.ok(["context", "add", "first", ...relay]);
  const remarks = async (...flags: string[]) => {
    const { code, stderr } = await user.run(["context", "add", "second", "--force", ...relay, ...flags]);
    assert.equal(code, 0, stderr);
    return stderr;
  };
  assert.equal(await remarks(), "");
  for (const flags of [["-v"], ["-vv"], ["-v", "-v"], ["--verbose"]]) {
    assert.match(await remarks(...flags), /qight context use second/);
  }
  assert.equal(await remarks("-v", "-q"), "");
  assert.match((await user.run(["context", "remove", "first"])).stderr, /No context is in use/);
  await user.ok(["context", "use", "second"]);
  assert.equal((await user.run(["context", "remove", "second", "-q"])).stderr, "");
});

row("expectation 50: -V is the version, -v is not", async () => {
  assert.match(await user.ok(["-V"]), /^qight \d/);
  assert.equal(await user.ok(["-V"]), await user.ok(["version"]));
  assert.notEqual(await user.ok(["-v", "config", "path"]), await user.ok(["-V"]));
});

row("expectation 50: -y is yes to what would be asked", async () => {
  const key = ["--identity", user.path("gone.key")];
  await user.ok(["key", "gen", "--no-passphrase", "--no-publish", ...key]);
  assert.equal((await user.run(["key", "delete", ...key])).code, 64, "there is no terminal to ask on");
  await user.ok(["key", "delete", "-y", ...key]);
  assert.throws(() => Deno.statSync(user.path("gone.key")), Deno.errors.NotFound);
});

const hasStrace = new Deno.Command("sh", { args: ["-c", "command -v strace"], stdout: "null" }).outputSync().success;

Deno.test({
  name: `expectation 50: --no-input never opens /dev/tty${hasStrace ? "" : " (ignored: needs strace)"}`,
  ignore: !hasStrace,
  async fn() {
    const opened = async (...flags: string[]) => {
      const log = user.path("opened.log");
      const command = [Deno.execPath(), ...cliArguments(), "key", "gen", "--identity", user.path("none.key"), ...flags];
      const { code } = await new Deno.Command("strace", {
        args: ["-f", "-qq", "-e", "trace=open,openat", "-o", log, ...command],
        env: user.env,
        clearEnv: true,
        cwd: user.home,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).output();
      assert.equal(code, 64);
      return Deno.readTextFileSync(log).includes('"/dev/tty"');
    };
    assert.equal(await opened("--no-input"), false);
    // With a terminal to this test the question would wait for an answer.
    if (!await hasTerminal()) assert.equal(await opened(), true, "without the flag the terminal is looked for");
  },
});
