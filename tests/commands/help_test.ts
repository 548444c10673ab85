/** Help, version and words that are no command. @module */
import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { errorOf, row, World } from "./harness.ts";

const world = new World();
const user = world.person("user");
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

for (const args of [[], ["-h"], ["--help"], ["help"], ["help", "send"], ["send", "--help"], ["key", "gen", "-h"]]) {
  row(`qight ${args.join(" ")} prints help with examples and exits 0`, async () => {
    const { code, stdout, stderr } = await user.run(args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Examples:\n {2}\S/m);
    assert.equal(stderr, "");
  });
}

row("help without arguments shows three examples and no command of a later step", async () => {
  const help = await user.ok([]);
  assert.equal(help.split("Examples:\n")[1].split("\n\n")[0].split("\n").length, 3);
  for (const later of ["repl", "group", "contact", "mesh", "daemon", "invite", "completion", "context add"]) {
    assert.ok(!new RegExp(`^ {2}${later}`, "m").test(help), later);
  }
});

row("every command in the help has code behind it", async () => {
  const { tree } = await import("../../cli/tree/tree.ts");
  const modules: string[] = [];
  const walk = (spec: typeof tree) => {
    if (spec.module) modules.push(spec.module);
    else assert.ok(spec.commands, `${spec.name} does nothing`);
    spec.commands?.forEach(walk);
  };
  walk(tree);
  for (const module of modules) {
    const { run } = await import(new URL(`../../cli/commands/${module}.ts`, import.meta.url).href);
    assert.equal(typeof run, "function", module);
  }
});

for (const args of [["version"], ["--version"], ["-V"]]) {
  row(`qight ${args[0]} prints the version of deno.json`, async () => {
    assert.equal(await user.ok(args), `qight ${denoJson.version}`);
  });
}

row("version --json is one object that names the runtime", async () => {
  const version = JSON.parse(await user.ok(["version", "--json"]));
  assert.equal(version.version, denoJson.version);
  assert.equal(version.deno, Deno.version.deno);
});

for (
  const [args, near] of [
    [["sned"], "send"],
    [["relay", "stats"], "status"],
    [["key", "lst"], "list"],
    [["fetch", "--folow"], "--follow"],
    [["send", "x", "--jsn"], "--json"],
  ] as const
) {
  row(`qight ${args.join(" ")} exits 64 and names ${near}`, async () => {
    const { code, stdout, stderr } = await user.run(args);
    assert.equal(code, 64);
    assert.equal(stdout, "");
    assert.ok(stderr.includes(near), stderr);
  });
}

row("a mere group of commands exits 64 and lists them", async () => {
  const outcome = await user.run(["key", "--json"]);
  assert.equal(outcome.code, 64);
  assert.match(errorOf(outcome).message, /gen, list, show/);
});

row("every example in the help is a command line that is understood", async () => {
  const { tree } = await import("../../cli/tree/tree.ts");
  const { parseArguments } = await import("../../cli/options.ts");
  const { helpText } = await import("../../cli/commands/help.ts");
  let seen = 0;
  const walk = (spec: typeof tree, path: string[]) => {
    for (const line of helpText(path).trimEnd().split("Examples:\n")[1].split("\n\n")[0].split("\n")) {
      for (const command of line.replace(/ {2,}#.*/, "").split(/ \| | && | > | < /).map((part) => part.trim())) {
        if (!command.startsWith("qight ")) continue;
        const words = command.match(/"[^"]*"|\S+/g)!.slice(1);
        assert.doesNotThrow(() => parseArguments(words), command);
        seen++;
      }
    }
    for (const child of spec.commands ?? []) walk(child, [...path, child.name]);
  };
  walk(tree, []);
  assert.ok(seen > 30, `${seen} examples`);
});

row("help of a word that is near a command names it", async () => {
  assert.match((await user.run(["help", "sned"])).stderr, /did you mean send\?/);
});

row("help of an unknown word exits 64", async () => {
  assert.equal((await user.run(["help", "nonsense"])).code, 64);
});
