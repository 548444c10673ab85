/** docs/guides/bots.md: every program on the page is run as it stands, against a real relay. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { linesOf, type Member, row, type RunningRelay, World } from "./harness.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = await Deno.readTextFile(`${root}docs/guides/bots.md`);
const programs = new Map(
  page.split(/^## /m).slice(1).flatMap((section) => {
    const [, text] = /^```ts\n(.*?)^```$/ms.exec(section) ?? [];
    return text === undefined ? [] : [[section.split("\n")[0], text] as const];
  }),
);
const world = new World();
let relay: RunningRelay;
let ada: Member, bot: Program;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  ada = await world.member("ada", relay, { QIGHT_TIMEOUT: "120s" });
  await Deno.symlink(root, ada.path("qight"));
  bot = start("A bot in 15 lines");
  const id = await bot.line();
  assert.match(id, /^qid1/);
  await ada.ok(["contact", "add", "bot", id]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

interface Program {
  line(): Promise<string>;
  /** Ends it and waits until it is gone. */
  end(): Promise<void>;
  /** Waits for its end; all that it printed. */
  output(): Promise<string>;
}

/** Starts the program of a section in ada's folder. */
function start(section: string, ...args: string[]): Program {
  const file = ada.file("bot.ts", programs.get(section)!);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-qA", "--config", `${root}deno.json`, file, ...args],
    env: { ...ada.env, QIGHT_RELAY: relay.address },
    clearEnv: true,
    cwd: ada.home,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = linesOf(child.stdout);
  return {
    async line() {
      const { value, done } = await lines.next();
      assert.ok(!done, `the program of "${section}" ended`);
      return value;
    },
    async end() {
      child.kill("SIGKILL");
      await child.status;
      await lines.return(undefined);
    },
    async output() {
      const all = await Array.fromAsync(lines);
      assert.equal((await child.status).code, 0);
      return all.join("\n");
    },
  };
}

/** The texts that ada finds, the next one at least. */
async function heard(): Promise<{ text: string; in: string }[]> {
  const lines = (await ada.ok(["fetch", "--json", "--wait", "60s"])).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

row("the guide's bot has 15 lines at most, answers its person, and says in a group who is in", async () => {
  assert.ok(programs.get("A bot in 15 lines")!.trimEnd().split("\n").length <= 15);
  await ada.ok(["send", "bot", "/echo do you hear me"]);
  assert.deepEqual((await heard()).map(({ text }) => text), ["do you hear me"]);
  await ada.ok(["group", "create", "ops", "bot"]);
  await ada.ok(["send", "#ops", "/who"]);
  const [{ text, in: where }] = await heard();
  assert.equal(where, "#ops");
  assert.deepEqual(text.split("\n").map((id) => id.slice(0, 4)), ["qid1", "qid1"]);
});

row("a bot that was killed goes on where it was", async () => {
  await bot.end();
  await ada.ok(["send", "bot", "/echo while you were away"]);
  bot = start("A bot in 15 lines");
  assert.deepEqual((await heard()).map(({ text }) => text), ["while you were away"]);
  await bot.end();
});

row("the guide's programs work as they stand: say something, files, groups and conversations", async () => {
  assert.match(await start("Say something and go", ada.id).output(), /^[0-9a-f]{32} mls$/);
  assert.deepEqual((await heard()).map(({ text }) => text), ["the backup is done"]);

  ada.file("report.csv", "1,2\n");
  ada.file("plan.txt", "rest\n");
  await ada.ok(["send", "bot", "-f", ada.path("plan.txt")]);
  assert.equal(await start("Files", ada.id).output(), "inbox/plan.txt");
  assert.equal(Deno.readTextFileSync(ada.path("inbox/plan.txt")), "rest\n");
  assert.match(await ada.ok(["fetch", "--save-dir", ada.path("saved")]), /this week/);
  assert.equal(Deno.readTextFileSync(ada.path("saved/report.csv")), "1,2\n");

  const listed = await start("Groups and conversations", ada.id).output();
  assert.match(listed.split("\n")[0], /^#night-watch \d+$/);
  assert.deepEqual((await heard()).map(({ text, in: where }) => [where, text]), [
    ["#night-watch", "I report here from now on"],
  ]);
  assert.deepEqual([...programs.keys()].length, 4, "a program of the page that is not run here");
});
