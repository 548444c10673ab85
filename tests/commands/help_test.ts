/** Help, version and words that are no command. @module */
import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { firstPage, helpText } from "../../cli/commands/help.ts";
import { examplesOf } from "../../cli/manual/wording.ts";
import { parseArguments } from "../../cli/options.ts";
import { grouped, groups } from "../../cli/tree/groups.ts";
import type { CommandSpec } from "../../cli/tree/spec.ts";
import { tree } from "../../cli/tree/tree.ts";
import { errorOf, row, World } from "./harness.ts";

const world = new World();
const user = world.person("user");
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

for (const args of [[], ["-h"], ["--help"], ["help"], ["help", "send"], ["send", "--help"], ["key", "gen", "-h"]]) {
  row(`expectation 1: qight ${args.join(" ")} prints help with examples and exits 0`, async () => {
    const { code, stdout, stderr } = await user.run(args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Examples:\n {2}\S/m);
    assert.equal(stderr, "");
  });
}

row("expectation 1: without arguments the help is one screen with three examples and what there is today", async () => {
  const help = await user.ok([]);
  assert.equal(help.split("Examples:\n")[1].split("\n\n")[0].split("\n").length, 3);
  assert.ok(help.split("\n").length <= 44, "one screen");
  for (const { name, summary } of tree.commands!) {
    assert.ok(
      help.split("\n").some((line) => line.startsWith(`  ${name}`) && line.includes(summary.slice(0, 20))),
      name,
    );
  }
  for (const later of ["mesh", "daemon"]) {
    assert.ok(!new RegExp(`^ {2}${later}\\b`, "m").test(help), later);
  }
});

row("every command of the first page stands under one title, and the titles know no command twice", () => {
  const named = groups.flatMap(([, names]) => names);
  assert.equal(new Set(named).size, named.length);
  for (const { name } of tree.commands!) assert.ok(named.includes(name), `cli/tree/groups.ts does not know ${name}`);
  assert.equal(grouped(tree).flatMap(({ commands }) => commands).length, tree.commands!.length);
  return Promise.resolve();
});

row("no page of the help is wider than 80 columns, and each has examples", () => {
  const pages = [firstPage(), ...pathsOf(tree, []).map(helpText)];
  assert.ok(pages.length > 50, `${pages.length} pages`);
  for (const page of pages) {
    assert.match(page, /^Examples:\n {2}\S/m, page);
    for (const line of page.split("\n")) assert.ok(line.length <= 80, line);
    assert.ok(!page.includes("--words"), "what is for programs alone is not shown");
  }
  return Promise.resolve();
});

row("a command without an example of its own shows itself with what it cannot do without", () => {
  const spec = { name: "show", summary: "show", args: "<name> [digits...]" };
  assert.deepEqual(examplesOf("qight contact show", spec), ["qight contact show NAME"]);
  return Promise.resolve();
});

row("qight help X Y and qight X Y --help are the same page, which names the command", async () => {
  for (const words of [["contact", "verify"], ["relay", "token", "add"], ["recv"]]) {
    const asked = await user.ok(["help", ...words]);
    assert.equal(await user.ok([...words, "--help"]), asked);
    assert.match(asked, /^Usage: qight (contact verify|relay token add|fetch)/m);
  }
});

row("every command in the help has code behind it", async () => {
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

row("every example in the help is a command line that is understood", () => {
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
  return Promise.resolve();
});

row("help of a word that is near a command names it", async () => {
  assert.match((await user.run(["help", "sned"])).stderr, /did you mean send\?/);
});

row("help of an unknown word exits 64", async () => {
  assert.equal((await user.run(["help", "nonsense"])).code, 64);
});

function pathsOf(spec: CommandSpec, path: readonly string[]): (readonly string[])[] {
  return [path, ...(spec.commands ?? []).flatMap((child) => pathsOf(child, [...path, child.name]))];
}
