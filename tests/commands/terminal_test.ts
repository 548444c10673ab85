/** What happens on a terminal: passphrases are asked, twice when new, and never shown. @module */
import assert from "node:assert/strict";
import { cliArguments, type Person, World } from "./harness.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const hasScript = new Deno.Command("sh", { args: ["-c", "command -v script"], stdout: "null" }).outputSync().success;

/** Types each answer when its question is on the screen of a pseudo-terminal (util-linux `script`). */
async function onTerminal(person: Person, args: string[], dialogue: [question: RegExp, answer: string][]) {
  const command = [Deno.execPath(), ...cliArguments(), ...args].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["-qefc", command, "/dev/null"],
    env: person.env,
    clearEnv: true,
    cwd: person.home,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const keyboard = child.stdin.getWriter();
  const left = [...dialogue];
  let screen = "";
  let seen = 0;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    screen += chunk;
    while (left.length > 0) {
      const match = left[0][0].exec(screen.slice(seen));
      if (!match) break;
      seen += match.index + match[0].length;
      await keyboard.write(new TextEncoder().encode(left.shift()![1]));
    }
  }
  await keyboard.close();
  const { code } = await child.status;
  assert.equal(left.length, 0, `never asked ${left[0]?.[0]}: ${screen}`);
  return { code, screen };
}

const person = world.person("typist");
const rows: [name: string, args: string[], dialogue: [RegExp, string][], code: number, screen: RegExp][] = [
  [
    "key gen asks twice, backspace works, nothing is shown",
    ["key", "gen"],
    [[/New passphrase.*: /, "sec\x7fcret\r"], [/same again: /, "secret\r"]],
    0,
    /qid1/,
  ],
  ["Enter alone is refused", ["key", "gen", "--force"], [[/New passphrase.*: /, "\r"]], 64, /passphrase is empty/],
  [
    "two different passphrases are refused",
    ["key", "gen", "--force"],
    [[/New passphrase.*: /, "one\r"], [/same again: /, "two\r"]],
    77,
    /differ/,
  ],
  ["the right passphrase opens the key", ["key", "export"], [[/Passphrase of.*: /, "secret\r"]], 0, /./],
  ["^U forgets what was typed", ["key", "export"], [[/Passphrase of.*: /, "wrong\x15secret\r"]], 0, /./],
  ["the wrong one is 77", ["key", "export"], [[/Passphrase of.*: /, "guess\r"]], 77, /passphrase is wrong/],
  ["^C is 130", ["key", "export"], [[/Passphrase of.*: /, "\x03"]], 130, /Interrupted/],
  ["--no-input does not ask", ["key", "export", "--no-input"], [], 64, /no terminal to ask on/],
  [
    "key delete takes yes for an answer and nothing else",
    ["key", "delete"],
    [[/Passphrase of.*: /, "secret\r"], [/Type yes: /, "y\r"]],
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
    ? "send on a terminal without a message is 64, not a hang"
    : "send on a terminal (ignored: no script(1))",
  ignore: !hasScript,
  async fn() {
    const seen = await onTerminal(person, ["send", "ab".repeat(32), "--relay", "qight://127.0.0.1:1"], []);
    assert.equal(seen.code, 64, seen.screen);
    assert.match(seen.screen, /message is empty/);
  },
});
