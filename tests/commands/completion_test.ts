/** Completion in real shells: what TAB offers, and that nothing typed is ever run. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { join } from "node:path";
import { placesOf } from "../../cli/completion/places.ts";
import { tree } from "../../cli/tree/tree.ts";
import { cliArguments, errorOf, type Person, row, World } from "./harness.ts";
import { hasScript, programOnTerminal } from "./on_terminal.ts";

const world = new World();
const ada = world.person("ada");
let bin = "";
Deno.test.beforeAll(async () => {
  bin = installed(ada);
  const bob = world.person("bob");
  await ada.ok(["key", "gen", "--no-passphrase"]);
  await ada.ok(["contact", "add", "bob", await bob.ok(["key", "gen", "--no-passphrase"])]);
  ada.file("some report.pdf", "");
  ada.file("contexts.toml", '[context.home]\n[context.work]\n[context."$(touch evil)"]\n[context."two words"]\n');
  for (const shell of ["bash", "zsh", "fish"]) ada.file(`qight.${shell}`, await ada.ok(["completion", shell]) + "\n");
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** `qight` as a program on the person's PATH, as it is for somebody who installed it. */
function installed(person: Person): string {
  const folder = person.path("bin");
  Deno.mkdirSync(folder);
  const words = [Deno.execPath(), ...cliArguments()].map((word) => `'${word}'`).join(" ");
  person.file("bin/qight", `#!/bin/sh\nexec ${words} "$@"\n`, 0o755);
  return folder;
}

function has(program: string): boolean {
  return new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).outputSync().success;
}

async function shell(program: string, ...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    clearEnv: true,
    env: { ...ada.env, PATH: `${bin}:${ada.env.PATH}`, LC_ALL: "C.UTF-8" },
    cwd: ada.home,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  assert.equal(decoder.decode(stderr), "");
  return decoder.decode(stdout).split("\n").filter(Boolean);
}

/** What `complete -F _qight` answers in bash without anything else loaded; words are cut where readline cuts them. */
function inBash(line: string): Promise<string[]> {
  const words = line.match(/[=:@]+|[^\s=:@]+/g)!;
  if (/\s$/.test(line)) words.push("");
  return shell(
    "bash",
    "--norc",
    "--noprofile",
    "-uc",
    'source qight.bash; complete -p qight >/dev/null; COMP_LINE=$1; COMP_POINT=${#1}; shift; COMP_WORDS=("$@")\n' +
      'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _qight; printf "%s\\n" "${COMPREPLY[@]}"',
    "bash",
    line,
    ...words,
  );
}

/** What fish offers, without the descriptions behind a tab. */
async function inFish(line: string): Promise<string[]> {
  const lines = await shell("fish", "--no-config", "-c", "source qight.fish; complete -C $argv[1]", line);
  return lines.map((offer) => offer.split("\t")[0]);
}

const offers: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["qight sen", ["send"]],
  ["qight contact ", ["add", "list", "show", "verify", "block", "remove"]],
  ["qight --json contact ver", ["verify"]],
  ["qight --relay qight://root@host:4433 relay tok", ["token"]],
  ["qight relay token ", ["add", "list", "revoke"]],
  ["qight relay token add --n", ["--name", "--no-input"]],
  ["qight pub --pl", ["--plaintext"]],
  ["qight help contact bl", ["block"]],
  ["qight completion ", ["bash", "zsh", "fish"]],
  ["qight version --log-format ", ["text", "json"]],
  ["qight man he", ["health", "help"]],
  ["qight config schema r", ["relay"]],
  ["qight -c contexts.toml context use w", ["work"]],
  ["qight chat --with b", ["bob"]],
  ["qight send b", ["bob"]],
  ["qight send --ttl 2d b", ["bob"]],
  ["qight contact verify b", ["bob"]],
  ["qight fetch --from b", ["bob"]],
  ["qight contact add b", []],
  ["qight send bob b", []],
  ["qight send bob --reply-to ", []],
  ["qight -c contexts.toml --context ", ["home", "work"]],
  ["qight -c contexts.toml whoami --context w", ["work"]],
  ["qight --identity nowhere.key send b", []],
  ["qight send bob -f some", ["some report.pdf"]],
  ["qight relay salvage --out b", ["bin"]],
];

for (const [program, ask] of [["bash", inBash], ["fish", inFish]] as const) {
  for (const [line, offered] of offers) {
    Deno.test({
      name: `expectation 41: ${program} (needs ${program}) completes "${line}" with ${offered.join(", ") || "nothing"}`,
      ignore: !has(program),
      fn: async () => {
        // Fish marks folders and escapes what it inserts.
        const found = (await ask(line)).map((word) => word.replace(/\/$/, "").replaceAll("\\ ", " "));
        assert.deepEqual(found.sort(), [...offered].sort());
      },
    });
  }
}

Deno.test({ name: "bash (needs bash) completes a value behind =", ignore: !has("bash") }, async () => {
  assert.deepEqual(await inBash("qight version --log-format=j"), ["json"]);
  assert.deepEqual(await inBash("qight --config=contexts.toml --context="), ["home", "work"]);
});

Deno.test({ name: "fish (needs fish) completes a value behind =", ignore: !has("fish") }, async () => {
  assert.deepEqual(await inFish("qight version --log-format=j"), ["--log-format=json"]);
});

const zshTyped: [keys: string, screen: RegExp][] = [
  ["qight contact ver\t", /qight contact verify/],
  ["qight relay token add --na\t", /--name/],
  ["qight send b\t", /qight send bob/],
  ["qight -c contexts.toml --context w\t", /--context work/],
  ["qight send bob -f some\t", /some\\ report\.pdf/],
  ["qight completion f\t", /qight completion fish/],
  ["qight contact \t", /verify +-- say that the digits were compared/],
  ["qight fetch --e\t", /--events +-- print gaps/],
];
Deno.test({
  name: "expectation 41: zsh (needs zsh and script) completes commands with descriptions, options, names and files",
  ignore: !has("zsh") || !hasScript,
  fn: async () => {
    // ^U empties the line without running it.
    const dialogue = zshTyped.map(([keys], index): [RegExp, string] => [
      index === 0 ? /READY/ : zshTyped[index - 1][1],
      `\x15${keys}`,
    ]);
    const set = "PS1='> '; setopt no_beep; autoload -U compinit; compinit -u -D; source qight.zsh; print REA''DY\n";
    const { code } = await terminal(["zsh", "-f", "-i"], [
      [/%|>|#/, set],
      ...dialogue,
      [zshTyped.at(-1)![1], "\x15exit\n"],
    ]);
    assert.equal(code, 0);
  },
});

Deno.test({
  name: "expectation 41: TAB in an interactive bash (needs script) without bash-completion completes the line",
  ignore: !hasScript,
  fn: async () => {
    const { code } = await terminal(["bash", "--norc", "--noprofile", "-i"], [
      [/\$|#/, "source qight.bash; PS1='> '; echo REA''DY\n"],
      [/READY/, "qight --relay qight://root@host:4433 conta\t"],
      [/contact /, "ver\t"],
      [/verify /, "b\t"],
      [/bob /, "\x15qight send bob -f some\t"],
      [/some\\ report\.pdf /, "\x15exit\n"],
    ]);
    assert.equal(code, 0);
  },
});

/** With TMOUT a shell that waits in vain ends by itself. */
function terminal(words: string[], dialogue: [RegExp, string][]) {
  const env = { ...ada.env, PATH: `${bin}:${ada.env.PATH}`, TERM: "vt100", LC_ALL: "C.UTF-8", TMOUT: "60" };
  return programOnTerminal(Object.assign(Object.create(ada), { env }), words, dialogue);
}

for (const [program, ask] of [["bash", inBash], ["fish", inFish]] as const) {
  for (
    const line of [
      "qight send $(touch evil) ",
      "qight send `touch evil` ",
      "qight --context $(touch evil) send b",
      "qight --identity=$(touch evil) send b",
      "qight '$(touch evil)",
      "qight -c contexts.toml context show ",
    ]
  ) {
    Deno.test({
      name: `expectation 41: ${program} (needs ${program}) runs nothing of what was typed or read: ${line}`,
      ignore: !has(program),
      fn: async () => {
        await ask(line);
        assert.ok(![...Deno.readDirSync(ada.home)].some(({ name }) => name === "evil"));
      },
    });
  }
}

Deno.test("no script says eval", async () => {
  for (const name of ["bash", "zsh", "fish"]) {
    assert.ok(!/\beval\b/.test(await Deno.readTextFile(join(ada.home, `qight.${name}`))), name);
  }
});

Deno.test("every command, alias and option of the tree is in every script, and no hidden option", async () => {
  for (const name of ["bash", "zsh", "fish"]) {
    const script = await Deno.readTextFile(join(ada.home, `qight.${name}`));
    for (const { path, children, flags } of placesOf(tree)) {
      for (const word of [...children, ...flags].flatMap(({ names }) => names)) {
        assert.ok(script.includes(word), `${name}: ${path} ${word}`);
      }
    }
    assert.equal(script.split("--words").length, 2, "only where the names are asked for");
  }
});

Deno.test({
  name: "property: whatever is typed, bash (needs bash) completes without a complaint",
  ignore: !has("bash"),
}, async () => {
  const word = fc.oneof(
    fc.constantFrom("contact", "send", "--json", "--relay", "-f", "--", "help", "qight://a@b:1", "--ttl=2d", "relay"),
    fc.string({ unit: fc.constantFrom(..."abc-=:@.$`\\*?[]~/"), minLength: 1, maxLength: 8 }),
  );
  const line = fc.tuple(fc.array(word, { maxLength: 5 }), fc.constantFrom("", " "))
    .map(([words, end]) => ["qight", ...words].join(" ") + end);
  await fc.assert(fc.asyncProperty(line, async (line) => void await inBash(line)), { numRuns: 30, seed: 41 });
});

row("names of a key with a passphrase are not offered, and nobody is asked", async () => {
  const locked = world.person("locked");
  const pass = locked.file("pass", "long enough\n");
  await locked.ok(["key", "gen", "--passphrase-file", pass]);
  const bob = await ada.ok(["contact", "show", "bob", "--json"]);
  await locked.ok(["contact", "add", "bob", JSON.parse(bob).id, "--passphrase-file", pass]);
  const silent = await locked.run(["completion", "--words", "contacts"]);
  assert.deepEqual([silent.code, silent.stdout, silent.stderr], [0, "", ""]);
  assert.equal(await locked.ok(["completion", "--words", "contacts", "--passphrase-file", pass]), "bob");
});

row("asking for names makes no file, without a key and without contacts", async () => {
  const fresh = world.person("fresh");
  for (const list of ["contacts", "contexts"]) assert.equal(await fresh.ok(["completion", "--words", list]), "");
  assert.deepEqual([...Deno.readDirSync(fresh.home)], []);
  await fresh.ok(["key", "gen", "--no-passphrase"]);
  assert.equal(await fresh.ok(["completion", "--words", "contacts"]), "");
  const made = [...Deno.readDirSync(fresh.path("data/qight"))].map(({ name }) => name).sort();
  assert.deepEqual(made, ["identity.key", "identity.key.pub"]);
});

for (const args of [[], ["tcsh"], ["--words", "keys"]]) {
  row(`qight completion ${args.join(" ")} is 64 and says what there is`, async () => {
    const outcome = await ada.run(["completion", ...args, "--json"]);
    assert.equal(outcome.code, 64);
    const { message, hint } = errorOf(outcome);
    assert.match(message + hint, /bash, zsh, fish|contacts, contexts/);
  });
}
