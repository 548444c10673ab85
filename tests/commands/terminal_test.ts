/** What happens on a terminal: passphrases are asked, twice when new, and never shown. @module */
import assert from "node:assert/strict";
import { cliArguments, World } from "./harness.ts";
import { hasScript, onTerminal, programOnTerminal } from "./on_terminal.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const person = world.person("typist");
const rows: [name: string, args: string[], dialogue: [RegExp, string][], code: number, screen: RegExp][] = [
  [
    "expectation 17: key gen asks twice, backspace works, nothing is shown",
    ["key", "gen"],
    [[/New passphrase.*: /, "sec\x7fcret\r"], [/same again: /, "secret\r"]],
    0,
    /qid1/,
  ],
  [
    "expectation 17: Enter alone is refused",
    ["key", "gen", "--force"],
    [[/New passphrase.*: /, "\r"]],
    64,
    /passphrase is empty/,
  ],
  [
    "expectation 17: two different passphrases are refused",
    ["key", "gen", "--force"],
    [[/New passphrase.*: /, "one\r"], [/same again: /, "two\r"]],
    77,
    /differ/,
  ],
  ["the right passphrase opens the key", ["key", "export"], [[/Passphrase of.*: /, "secret\r"]], 0, /./],
  ["^U forgets what was typed", ["key", "export"], [[/Passphrase of.*: /, "wrong\x15secret\r"]], 0, /./],
  [
    "a mistyped passphrase may be typed again",
    ["key", "export"],
    [[/Passphrase of.*: /, "guess\r"], [/Try again[^]*Passphrase of.*: /, "secret\r"]],
    0,
    /./,
  ],
  [
    "the wrong one three times is 77",
    ["key", "export"],
    [[/Passphrase of.*: /, "guess\r"], [/Passphrase of.*: /, "guess\r"], [/Passphrase of.*: /, "guess\r"]],
    77,
    /passphrase is wrong/,
  ],
  ["^C is 130", ["key", "export"], [[/Passphrase of.*: /, "\x03"]], 130, /Interrupted/],
  ["expectation 50: --no-input does not ask", ["key", "export", "--no-input"], [], 64, /no terminal to ask on/],
  [
    "key delete takes yes for an answer and nothing else",
    ["key", "delete"],
    [[/Passphrase of.*: /, "secret\r"], [/Type yes: /, "y\r"]],
    77,
    /Nothing was deleted/,
  ],
  [
    "regression: what was typed before a question stood there is no answer to it",
    ["key", "delete"],
    [[/Passphrase of.*: /, "secret\ryes\r"], [/Type yes: /, "\x1b[Ano\r"]],
    77,
    /Type yes: no\r\n[^]*Nothing was deleted/,
  ],
  [
    "a question shows what is typed, and backspace and ^U take it back",
    ["key", "delete"],
    [[/Passphrase of.*: /, "secret\r"], [/Type yes: /, "ja\x15yex\x7fs!\x7f!\r"]],
    77,
    /Nothing was deleted/,
  ],
];
for (const [name, args, dialogue, code, screen] of rows) {
  Deno.test({
    name: hasScript ? name : `${name} (ignored: needs script(1) of util-linux)`,
    ignore: !hasScript,
    async fn() {
      const seen = await onTerminal(person, args, dialogue);
      assert.equal(seen.code, code, seen.screen);
      assert.match(seen.screen, screen);
      // The terminal echoes what is typed before the prompt takes over only if the prompt forgets to stop it.
      assert.ok(!/secret|guess/.test(seen.screen), "what was typed is not shown");
    },
  });
}

Deno.test({
  name: hasScript
    ? "expectation 10: send on a terminal without a message is 64, not a hang"
    : "expectation 10: send on a terminal (ignored: no script(1))",
  ignore: !hasScript,
  async fn() {
    const seen = await onTerminal(person, ["send", "ab".repeat(32), "--relay", "qight://127.0.0.1:1"], []);
    assert.equal(seen.code, 64, seen.screen);
    assert.match(seen.screen, /message is empty/);
  },
});

Deno.test({
  name: hasScript
    ? "regression: ^C at a question ends the command at once, not seconds later"
    : "regression: ^C at a question (ignored: no script(1))",
  ignore: !hasScript,
  async fn() {
    let typedAtMs = 0;
    const question = {
      exec: (screen: string) => {
        const match = /Type yes: /.exec(screen);
        if (match) typedAtMs = performance.now();
        return match;
      },
    };
    const seen = await onTerminal(person, ["key", "delete"], [
      [/Passphrase of.*: /, "secret\r"],
      [question, "\x03"],
    ]);
    assert.equal(seen.code, 130, seen.screen);
    // An interrupted command has three seconds to end in order (cli/signals.ts); a question needs none of them.
    assert.ok(performance.now() - typedAtMs < 2_500, "the command waited for Enter");
  },
});

const hasStrace = new Deno.Command("sh", { args: ["-c", "command -v strace"], stdout: "null" }).outputSync().success;

Deno.test({
  name: "expectation 50: --no-input never opens /dev/tty, as strace sees it (needs script and strace)",
  ignore: !hasScript || !hasStrace,
  async fn() {
    const locked = world.person("locked");
    await locked.ok(["key", "gen", "--passphrase-file", locked.file("pass", "long enough")]);
    const opened = async (args: string[], dialogue: [RegExp, string][]) => {
      const command = ["strace", "-f", "-qq", "-o", "trace", "-e", "trace=openat", Deno.execPath(), ...cliArguments()];
      await programOnTerminal(locked, [...command, ...args], dialogue);
      return (await Deno.readTextFile(locked.path("trace"))).includes('"/dev/tty"');
    };
    assert.ok(await opened(["key", "export"], [[/Passphrase of.*: /, "\x03"]]), "without it the trace has it");
    for (const args of [["key", "export"], ["key", "gen", "--identity", "x.key"], ["key", "delete"], ["ping"]]) {
      assert.ok(!await opened([...args, "--no-input"], []), args.join(" "));
    }
  },
});
