/** Long work of real commands says how far it is. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { cliArguments, type Person, row, type RunningRelay, World } from "./harness.ts";
import { hasScript } from "./on_terminal.ts";

const world = new World();
let relay: RunningRelay;
let user: Awaited<ReturnType<World["member"]>>;
Deno.test.beforeAll(async () => {
  relay = await world.relay({ env: { QIGHT_CFG__LIMITS__SEND_PER_MINUTE: "0" } });
  user = await world.member("user", relay);
  const lines = Array.from({ length: 1500 }, (_, at) => `line ${at} ${"x".repeat(100)}\n`);
  user.file("app.log", lines.join(""));
  user.file("big.bin", new Uint8Array(200 * 1024));
  user.file("large.bin", new Uint8Array(20 * 1024 ** 2));
  // A second counts as 50, so that a short piece of work is a long one.
  const fast = "const now = performance.now.bind(performance); performance.now = () => now() * 50;\n";
  for (const person of [user, world.operator]) person.file("clock.js", fast);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** Runs a command by `sh`, its clock turned, `more` behind it; on a pseudo-terminal or not. */
async function sh(person: Person, args: string[], more: string, terminal = false) {
  const [run, ...rest] = cliArguments();
  const words = [Deno.execPath(), run, "--preload", person.path("clock.js"), ...rest, ...args];
  const command = words.map((word) => `'${word}'`).join(" ") + more;
  const [program, programArgs] = terminal ? ["script", ["-qefc", command, "/dev/null"]] : ["sh", ["-c", command]];
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: programArgs,
    env: person.env,
    clearEnv: true,
    cwd: person.home,
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

const sendFile = () => ["send", user.id, "-f", "large.bin", "--timeout", "2h"];
const sendLog = () => ["send", user.id, "--lines", "--timeout", "2h"];

row(
  "expectation 48: send --lines of a file says how far it is: a line in 10 s at most, none with -q or --json",
  async () => {
    const started = performance.now();
    const loud = await sh(user, sendLog(), " < app.log > /dev/null");
    const tens = (performance.now() - started) * 50 / 10_000;
    assert.equal(loud.code, 0, loud.stderr);
    const said = loud.stderr.split("\n").filter(Boolean);
    assert.ok(said.length > 0 && said.length <= tens, `${said.length} lines in ${tens} times 10 s`);
    for (const line of said) assert.match(line, /^sending: [\d.]+ KiB of 1\d\d\.\d KiB {2}\d+ % {2}[\d.]+ KiB\/s/);
    for (const flag of ["-q", "--json"]) {
      const silent = await sh(user, [...sendLog(), flag], " < app.log > /dev/null");
      assert.deepEqual([silent.code, silent.stderr], [0, ""]);
    }
    const piped = await sh(user, sendLog(), " > /dev/null");
    assert.deepEqual([piped.code, piped.stderr], [0, ""], "a pipe has no size");
  },
);

row("relay backup that is done in no time shows no bar, and prints its path", async () => {
  const args = ["relay", "backup", "b", "--plain", "--data-dir", relay.dataDir];
  const { code, stdout, stderr } = await sh(world.operator, args, "");
  assert.deepEqual([code, stdout, stderr], [0, `${world.operator.path("b")}\n`, ""]);
});

const bars: [name: string, person: () => Person, args: () => string[], more: string, bar: RegExp][] = [
  [
    "send --lines of a file",
    () => user,
    sendLog,
    " < app.log > ids",
    /\rsending \[#*-*\] [\d.]+ KiB of 1\d\d\.\d KiB {2}\d+ % {2}[\d.]+ KiB\/s/,
  ],
  ["send -f", () => user, () => ["send", user.id, "-f", "big.bin"], "", /\rsending \[#+-*\] [\d.]+ KiB of 200\.0 KiB/],
  [
    "fetch into a file",
    () => user,
    () => ["fetch", "--save-dir", "."],
    " > mail",
    /\rreading \d+ messages {2}\d+ mess/,
  ],
  [
    "relay restore",
    () => world.operator,
    () => ["relay", "restore", "b", "--data-dir", join(world.folder, "back")],
    "",
    /\rrestoring \[#*-*\] [\d.]+ \wiB of [\d.]+ \wiB {2}\d+ %/,
  ],
  [
    "send -f of a large file",
    () => user,
    sendFile,
    "",
    /\rsending \[#*-*\] [\d.]+ [KM]iB of 20\.0 MiB {2}\d+ % {2}[\d.]+ [KM]iB\/s {2}\S+ left/,
  ],
  [
    "fetch of a large file",
    () => user,
    () => ["fetch", "--save-dir", "seen", "--timeout", "2h"],
    " > mail",
    /\rreceiving \[#*-*\] [\d.]+ [KM]iB of 20\.0 MiB {2}\d+ % {2}[\d.]+ [KM]iB\/s {2}\S+ left/,
  ],
];
for (const [name, person, args, more, bar] of bars) {
  Deno.test({
    name: `expectation 48: ${name} on a terminal shows a bar, and nothing of it stays${
      hasScript ? "" : " (no script(1))"
    }`,
    ignore: !hasScript,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const { code, stdout: screen } = await sh(person(), args(), more, true);
      assert.equal(code, 0, screen);
      assert.match(screen, bar);
      // deno-lint-ignore no-control-regex
      assert.ok(!/\u001b/.test(screen), "drawn without a single escape sequence");
      assert.doesNotMatch(screen.split(/[\r\n]/).filter((text) => text.trim()).at(-1) ?? "", /--\]/);
    },
  });
}

row("expectation 48: a large file says how far it is off a terminal: a line in 10 s at most, both ways", async () => {
  for (const [args, label] of [[sendFile(), "sending"], [["fetch", "--save-dir", "lines"], "receiving"]] as const) {
    const started = performance.now();
    const { code, stderr } = await sh(user, [...args], " > /dev/null");
    const tens = (performance.now() - started) * 50 / 10_000;
    assert.equal(code, 0, stderr);
    const said = stderr.split("\n").filter((line) => line.startsWith(label));
    assert.ok(said.length > 0 && said.length <= tens, `${said.length} lines in ${tens} times 10 s: ${stderr}`);
    for (const line of said) assert.match(line, /: [\d.]+ [KM]iB of 20\.0 MiB {2}\d+ % {2}[\d.]+ [KM]iB\/s/);
  }
});
