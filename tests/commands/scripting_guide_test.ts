/** docs/guides/scripting.md: every block on the page is run as it stands, against a real relay. @module */
import assert from "node:assert/strict";
import { cliArguments, linesOf, row, type RunningRelay, World } from "./harness.ts";

interface Block {
  readonly language: string;
  readonly text: string;
}

const page = await Deno.readTextFile(new URL("../../docs/guides/scripting.md", import.meta.url));
const recipes = new Map<string, Block[]>(
  page.split(/^## /m).slice(1).map((section) => {
    const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }));
    return [section.split("\n")[0], blocks];
  }),
);
const missing = ["jq", "xargs", "awk", "gzip", "sha256sum", "uptime", "setsid"].filter((program) =>
  !new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).outputSync().success
);

const world = new World();
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, ops: Member;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  [ada, ops] = await Promise.all(["ada", "ops"].map((name) => world.member(name, relay)));
  await Promise.all([ada.ok(["contact", "add", "ops", ops.id]), ops.ok(["contact", "add", "ada", ada.id])]);
  const words = [Deno.execPath(), ...cliArguments()].map((word) => `'${word}'`).join(" ");
  for (const person of [ada, ops]) {
    Deno.mkdirSync(person.path("bin"));
    person.file("bin/qight", `#!/bin/sh\nexec ${words} "$@"\n`, 0o700);
  }
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** Puts a script where its second line says. */
function install(person: Member, { text }: Block): void {
  const name = /^#!\/bin\/sh\n# ([\w-]+): /.exec(text)?.[1];
  assert.ok(name, `no name in the second line of ${text}`);
  person.file(`bin/${name}`, text, 0o700);
}

function spawn(person: Member, text: string): Deno.ChildProcess {
  // A session of its own: what a recipe leaves running can be ended as one group.
  return new Deno.Command("setsid", {
    args: ["--wait", "sh", "-c", text],
    env: { ...person.env, PATH: `${person.path("bin")}:${person.env.PATH}` },
    clearEnv: true,
    cwd: person.home,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function sh(person: Member, text: string) {
  const { code, stdout, stderr } = await spawn(person, text).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** The next message of somebody, when it comes. */
async function nextOf(person: Member) {
  const line = await person.ok(["fetch", "--json", "--max", "1", "--wait", "60s"]);
  assert.notEqual(line, "", "nothing came");
  return JSON.parse(line);
}

/**
 * Starts a block that goes on, ends all its programs by SIGTERM, and returns how the last one ended. All of them: `wait` is
 * for the whole pipeline, and a `tail` that has nothing to say never learns that its reader is gone.
 */
async function whileRunning(person: Member, text: string, act: () => Promise<void>): Promise<number> {
  // The shell catches the signal (which its children do not inherit), and waits again after it.
  const waiting = "wait $last; code=$?; while kill -0 $last 2>/dev/null; do wait $last; code=$?; done; echo $code";
  const child = spawn(person, `trap : TERM; echo $$; ${text.trim()} & last=$!; ${waiting}`);
  const lines = linesOf(child.stdout);
  const group = Number((await lines.next()).value);
  await act();
  await new Deno.Command("kill", { args: ["-TERM", "--", `-${group}`] }).output();
  const code = Number((await lines.next()).value);
  for await (const more of lines) assert.equal(more, "");
  await child.stderr.cancel();
  await child.status;
  return code;
}

const runs: Record<string, (blocks: Block[]) => Promise<void>> = {
  async "An alert from cron"([script, crontab]) {
    install(ada, script);
    assert.equal((await sh(ada, "disk-alert 0")).code, 0);
    assert.match((await nextOf(ops)).text, /: .* is at \d+%/);
    assert.deepEqual(await sh(ada, "disk-alert 101"), { code: 0, stdout: "", stderr: "" });
    const [, when, command] = /^((?:\S+ ){4}\S+) {2}(.*)\n$/.exec(crontab.text)!;
    assert.equal(when, "*/10 * * * *");
    assert.deepEqual(await sh(ada, command), { code: 0, stdout: "", stderr: "" });
    await ops.ok(["fetch"]);
  },
  async "Following a log"([block]) {
    ada.file("app.log", "fine\nERROR one\n");
    await whileRunning(ada, block.text, async () => {
      assert.equal((await nextOf(ops)).text, "ERROR one");
      Deno.writeTextFileSync(ada.path("app.log"), "fine too\nERROR two\n", { append: true });
      assert.equal((await nextOf(ops)).text, "ERROR two");
    });
  },
  async "How the backup ended"([script, block]) {
    install(ada, script);
    const failed = await sh(ada, block.text);
    assert.notEqual(failed.code, 0, "there is no folder of documents yet");
    assert.match(
      (await nextOf(ops)).text,
      new RegExp(`: exit ${failed.code} of tar -czf backup.tgz documents\n.*tar: `, "s"),
    );
    Deno.mkdirSync(ada.path("documents"));
    assert.deepEqual(await sh(ada, block.text), { code: 0, stdout: "", stderr: "" });
    assert.match((await nextOf(ops)).text, /: exit 0 of tar/);
  },
  async "Commands from afar, from people on a list"([script, block]) {
    install(ops, script);
    const eve = await world.member("eve", relay);
    await whileRunning(ops, block.text, async () => {
      await eve.ok(["send", ops.id, "disk"]);
      const asked = await ada.ok(["send", "ops", "disk"]);
      const answer = await nextOf(ada);
      assert.deepEqual([answer.from, answer.reply_to], [ops.id, asked]);
      assert.match(answer.text, /Filesystem/);
      await ada.ok(["send", "ops", "disk; touch pwned"]);
      assert.equal((await nextOf(ada)).text, "I know: uptime, disk");
    });
    assert.equal(await eve.ok(["fetch"]), "", "a stranger gets no answer");
    assert.throws(() => Deno.statSync(ops.path("pwned")), Deno.errors.NotFound);
    assert.equal(await ops.ok(["fetch"]), "");
  },
  async "Several at once"([block]) {
    await ada.ok(["send", "ops", "--lines"], { stdin: "a\nb\nc\nd\ne\n" });
    assert.deepEqual(await sh(ops, block.text), { code: 0, stdout: "", stderr: "" });
    const kept = await sh(ops, "for each in in-*.gz; do gzip -dc $each; echo; done");
    assert.deepEqual(kept.stdout.trim().split("\n").sort(), ["a", "b", "c", "d", "e"]);
  },
  async "A folder for files"([block]) {
    const files = ["-f", ada.file("report.pdf", "one"), "-f", ada.file("-rf", "two")];
    await ada.ok(["send", "ops", "see", ...files]);
    await ada.ok(["send", "ops", "no file"]);
    assert.deepEqual(await sh(ops, block.text), { code: 0, stdout: "", stderr: "" });
    const sums = Deno.readTextFileSync(ops.path("drop.sums")).trimEnd().split("\n");
    assert.deepEqual(sums.map((line) => line.slice(66)), ["drop/report.pdf", "drop/rf"]);
  },
  async "Bodies of several lines: NUL and xargs"([block]) {
    await ada.ok(["send", "ops"], { stdin: "two\nlines; $(touch pwned)" });
    await ada.ok(["send", "ops", "one"]);
    const quoted = "> two\n> lines; $(touch pwned)\n\n> one\n\n";
    assert.deepEqual(await sh(ops, block.text), { code: 0, stdout: quoted, stderr: "" });
    assert.throws(() => Deno.statSync(ops.path("pwned")), Deno.errors.NotFound);
  },
  async "JSON and jq"([block]) {
    await ada.ok(["send", "ops", "unsigned", "--plaintext"]);
    await ada.ok(["send", "ops"], { stdin: "tab\there" });
    const { code, stdout } = await sh(ops, block.text);
    assert.equal(code, 0);
    assert.match(stdout, /^\d{4}-\S+Z\tada\ttab\\there\n$/);
  },
  async "A check for monitoring"([script]) {
    install(ada, script);
    assert.deepEqual(await sh(ada, "check-qight"), { code: 0, stdout: "OK: sent and received\n", stderr: "" });
    const away = await sh(ada, "QIGHT_RELAY=qight://127.0.0.1:1 QIGHT_TIMEOUT=1s check-qight");
    assert.deepEqual([away.code, away.stdout], [2, "CRITICAL: not sent\n"]);
  },
  async "A service that reads"([unit]) {
    install(ops, recipes.get("Commands from afar, from people on a list")![0]);
    const key = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(unit.text)![1];
    const command = key("ExecStart").replaceAll("/usr/local/bin", ops.path("bin"));
    const code = await whileRunning(ops, command, async () => {
      await ada.ok(["send", "ops", "uptime"]);
      assert.match((await nextOf(ada)).text, /load average/);
    });
    assert.equal(String(code), key("SuccessExitStatus"));
    const wrong = await sh(ops, command.replace("--follow", "--folow"));
    assert.ok(key("RestartPreventExitStatus").split(" ").includes(String(wrong.code)));
  },
};

Deno.test("every recipe of the guide is run here, and none that it no longer has", () => {
  assert.deepEqual([...recipes.keys()], Object.keys(runs));
  for (const [name, blocks] of recipes) assert.equal(runs[name].length, 1, `${name} has ${blocks.length} blocks`);
  const fences = [...page.matchAll(/^```\w+$/gm)].length;
  assert.equal(fences, [...recipes.values()].flat().length);
});

for (const [name, run] of Object.entries(runs)) {
  const title = `the guide's recipe works as it stands: ${name}`;
  if (missing.length > 0) Deno.test({ name: `${title} (needs ${missing.join(", ")})`, ignore: true, fn() {} });
  else row(title, () => run(recipes.get(name)!));
}
