/** The manual: what groff and man make of it, and that it holds what the tree holds. @module */
import assert from "node:assert/strict";
import { pageNames, pageSource } from "../../cli/man/pages.ts";
import { placesOf } from "../../cli/completion/places.ts";
import { environment, execEnvironment } from "../../cli/tree/environment.ts";
import { tree } from "../../cli/tree/tree.ts";
import { errorTable } from "../../proto/errors.ts";
import { errorOf, row, World } from "./harness.ts";
import { hasScript, onTerminal } from "./on_terminal.ts";

const world = new World();
const user = world.person("user");
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

function has(program: string): boolean {
  return new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).outputSync().success;
}

async function placeOf(program: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`] }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** A page as a reader sees it, 78 columns wide, without bold and italics. */
async function rendered(source: string): Promise<{ text: string; warnings: string }> {
  const child = new Deno.Command("groff", {
    args: ["-ww", "-man", "-Tutf8", "-P-cbou"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { text: decoder.decode(stdout), warnings: decoder.decode(stderr) };
}

for (const name of pageNames()) {
  Deno.test({
    name: `expectation 41: ${name}(1) goes through groff -ww (needs groff) without a warning, every line readable`,
    ignore: !has("groff"),
    fn: async () => {
      const { text, warnings } = await rendered(pageSource(name));
      assert.equal(warnings, "");
      assert.match(text, new RegExp(`^ +${name} +- +\\S`, "m"));
      assert.ok(!/\\[&(f[]|(^|\n)\.[A-Z]/.test(text), "no roff is left over");
    },
  });
}

Deno.test({ name: "what stands in a page is what was written (needs groff)", ignore: !has("groff") }, async () => {
  const flat = async (name: string) => (await rendered(pageSource(name))).text.replace(/\s+/g, " ");
  const send = await flat("qight-send");
  assert.ok(send.includes('echo "disk full on web-3" | qight send qid1…'), "quotes, dashes, dots as typed");
  assert.ok(send.includes("-f, --file path"), "options");
  assert.ok(pageSource("qight-send").includes("\\-\\-file"), "a bare - may be shown as a hyphen that no shell takes");
  assert.ok((await flat("qight-relay")).includes("qight relay token revoke id"), "commands of commands");
  const qight = await flat("qight");
  for (const { exit } of Object.values(errorTable)) assert.match(qight, new RegExp(` ${exit} \\S`), `${exit}`);
  for (const [name] of environment) assert.ok(qight.includes(name), name);
  assert.ok(!qight.includes("`"), "code is bold");
});

Deno.test("every option of every command is in the manual, and no hidden one", () => {
  const pages = pageNames().map(pageSource).join("\n").replaceAll("\\-", "-");
  for (const { path, flags } of placesOf(tree)) {
    for (const name of flags.flatMap(({ names }) => names)) assert.ok(pages.includes(name), `${path} ${name}`);
  }
  assert.ok(!pages.includes("--words"));
});

Deno.test("the same version prints the same pages on every day: no page holds a date", () => {
  for (const name of pageNames()) {
    assert.equal(
      pageSource(name).split("\n")[1].split('" "')[0],
      `.TH "${name.toUpperCase().replaceAll("-", "\\-")}" 1 "`,
    );
    assert.equal(pageSource(name), pageSource(name));
  }
});

Deno.test("the table of variables knows every variable that the code names, and no other of ours", async () => {
  const known = new Set([...environment, ...execEnvironment].map(([name]) => name));
  const refused = ["QIGHT_PASSPHRASE", "QIGHT_PASSWORD", "QIGHT_TOKEN"];
  const named = new Set<string>();
  for (const folder of ["cli", "relay", "client", "net"]) {
    for (const text of await sources(new URL(`../../${folder}/`, import.meta.url))) {
      for (const [, name] of text.matchAll(/\b(QIGHT_[A-Z_]*[A-Z])\b/g)) named.add(name);
    }
  }
  for (const name of named) {
    assert.ok(known.has(name) || refused.includes(name) || name.startsWith("QIGHT_CFG__"), `${name} is in no table`);
  }
  for (const name of known) {
    if (name.startsWith("QIGHT_") && !name.startsWith("QIGHT_CFG__")) {
      assert.ok(named.has(name), `${name} is read nowhere`);
    }
  }
});

async function sources(folder: URL): Promise<string[]> {
  const texts: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = new URL(`${entry.name}${entry.isDirectory ? "/" : ""}`, folder);
    if (path.pathname.endsWith("cli/tree/environment.ts")) continue;
    if (entry.isDirectory) texts.push(...await sources(path));
    else if (entry.name.endsWith(".ts")) texts.push(await Deno.readTextFile(path));
  }
  return texts;
}

for (
  const [words, page] of [[[], "qight"], [["send"], "qight-send"], [["pub"], "qight-send"], [
    ["qight-key"],
    "qight-key",
  ]] as const
) {
  row(`expectation 41: qight man ${words.join(" ")} off a terminal prints the source of ${page}(1)`, async () => {
    const { code, stdout, stderr } = await user.run(["man", ...words]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, pageSource(page));
  });
}

row("a page that is not there is 64 and names the near one", async () => {
  const outcome = await user.run(["man", "sned", "--json"]);
  assert.equal(outcome.code, 64);
  assert.match(errorOf(outcome).message, /did you mean send\?/);
});

Deno.test({
  name: "on a terminal (needs script and man) qight man shows the page by man",
  ignore: !hasScript || !has("man"),
  fn: async () => {
    const reader = world.person("reader", { MANPAGER: "cat", TERM: "dumb", LC_ALL: "C.UTF-8" });
    const { code, screen } = await onTerminal(reader, ["man", "send"], []);
    assert.equal(code, 0, screen);
    assert.match(screen, /^QIGHT-SEND\(1\) +qight manual +QIGHT-SEND\(1\)/m);
    assert.ok(!screen.includes(".SH"));
  },
});

Deno.test({
  name: "on a terminal (needs script) without man the page comes as plain text through PAGER, or as it is",
  ignore: !hasScript,
  fn: async () => {
    const reader = world.person("pager");
    reader.file("pager", '#!/bin/sh\nread -r first < "$2"; echo "PAGER $1 $first"\n', 0o755);
    for (const program of ["sh", "script"]) Deno.symlinkSync(await placeOf(program), reader.path(program));
    const alone = { PATH: reader.home, SHELL: reader.path("sh") };
    const paged = world.person("pager", { ...alone, PAGER: `${reader.path("pager")} -R` });
    const { screen } = await onTerminal(paged, ["man", "send"], []);
    assert.match(screen, /^PAGER -R qight send: send a message/m);
    const bare = world.person("pager", alone);
    assert.match((await onTerminal(bare, ["man", "send"], [])).screen, /^qight send: send a message/m);
  },
});
