/** `qight repl` on a pseudo-terminal: keys, the line being typed, and a clean end. @module */
import assert from "node:assert/strict";
import { type RunningRelay, World } from "./harness.ts";
import { hasScript } from "./on_terminal.ts";
import { keys, TerminalSession } from "./terminal_session.ts";

const world = new World();
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, bob: Member;
if (hasScript) {
  Deno.test.beforeAll(async () => {
    relay = await world.relay();
    [ada, bob] = await Promise.all(["ada", "bob"].map((name) => world.member(name, relay)));
    await ada.ok(["contact", "add", "bob", bob.id]);
    await bob.ok(["contact", "add", "ada", ada.id]);
  });
}
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

function onTerminal(name: string, fn: () => Promise<void>): void {
  const ignore = !hasScript;
  Deno.test({
    name: ignore ? `${name} (no script(1))` : name,
    ignore,
    fn,
    sanitizeOps: false,
    sanitizeResources: false,
  });
}

/** What a person has got; what the other side's chat could not send in its last moment goes out before. */
async function texts(person: Member, from: Member): Promise<string[]> {
  await from.ok(["fetch"]);
  const out = await person.ok(["fetch", "--json"]);
  return out === "" ? [] : out.split("\n").map((line) => JSON.parse(line).text);
}

onTerminal("expectation 44: ^A ^E ^W ^U ^K, arrows and TAB edit the line as everywhere", async () => {
  await using chat = TerminalSession.open(ada, ["repl", "--with", "bob"]);
  await chat.seen(/to bob>/);
  await chat.type("world", keys.ctrlA, "hello ", keys.ctrlE, "!", keys.enter);
  await chat.type("one two three", keys.ctrlW, "3", keys.enter);
  await chat.type("thrown away", keys.ctrlU, "kept", keys.enter);
  await chat.type("begin end", keys.left, keys.left, keys.left, keys.left, keys.ctrlK, keys.enter);
  await chat.type(keys.up, keys.up, " again", keys.enter);
  await chat.seen(/> kept again$/m);
  await chat.type("/his");
  await chat.seen(/> \/his$/m);
  await chat.type(keys.tab);
  await chat.seen(/> \/hist$/m); // hist and history
  await chat.type(keys.ctrlU, "/dm b");
  await chat.seen(/> \/dm b$/m);
  await chat.type(keys.tab);
  await chat.seen(/> \/dm bob$/m);
  await chat.type(keys.ctrlU, "@B");
  await chat.seen(/> @B$/m);
  await chat.type(keys.tab);
  await chat.seen(/> @bob$/m);
  await chat.type("by tab", keys.enter);
  await chat.seen(/> @bob by tab$/m);
  await Deno.writeTextFile(ada.path("a long name.txt"), "x");
  await chat.type("/send-file a\\ lo");
  await chat.seen(/> \/send-file a\\ lo$/m);
  await chat.type(keys.tab);
  await chat.seen(/> \/send-file a\\ long\\ name\.txt$/m);
  await chat.type(keys.ctrlU, keys.ctrlD);
  assert.equal(await chat.ended, 0, chat.screen.text());
  assert.deepEqual(await texts(bob, ada), ["hello world!", "one two 3", "kept", "begin", "kept again", "by tab"]);
});

for (const columns of [80, 30]) {
  onTerminal(
    `expectation 46: what arrives leaves the line being typed and its cursor as they are (${columns} columns)`,
    async () => {
      const typed = "a line that is longer than thirty columns, being typed";
      await using chat = TerminalSession.open(bob, ["repl", "--with", "ada"], { columns });
      await chat.seen(/to ada>/);
      await chat.type(typed);
      const whole = () => chat.screen.flat().endsWith(`to ada> ${typed}`);
      await chat.when(whole, "the typed line");
      await chat.type(...Array(9).fill(keys.left));
      const before = "to ada> ".length + typed.length - 9;
      const place = () => chat.screen.column === before % columns;
      await chat.when(place, "the cursor nine to the left");
      await ada.ok(["send", "bob", `at ${columns}\nwith a second line`]);
      await ada.ok(["send", "bob", `another ${columns}`]);
      await chat.seen(
        new RegExp(` {2}ada {2}at ${columns}\\n {2}with a second line\\n\\S+ {2}ada {2}another ${columns}`),
      );
      await chat.when(() => whole() && place(), "the line as it was");
      const text = chat.screen.text();
      assert.equal(text.split(`at ${columns}`).length, 2, text);
      const rows = text.split("\n");
      const begin = rows.findIndex((row) => row.startsWith("to ada>"));
      assert.equal(chat.screen.row, begin + Math.floor(before / columns), text);
      await chat.type("!", keys.ctrlE, ".", keys.enter);
      await chat.when(() => chat.screen.flat().includes("!ing typed."), "the changed line");
      await chat.type(keys.ctrlD);
      assert.equal(await chat.ended, 0);
      assert.deepEqual(await texts(ada, bob), [`${typed.slice(0, -9)}!${typed.slice(-9)}.`]);
    },
  );
}

onTerminal("expectation 26: NO_COLOR sends no colours, TERM=dumb no escape character at all", async () => {
  for (
    const [env, unwanted] of [
      // deno-lint-ignore no-control-regex
      [{ NO_COLOR: "1" }, /\u001b\[[\d;]*m/],
      // deno-lint-ignore no-control-regex
      [{ TERM: "dumb" }, /\u001b/],
    ] as const
  ) {
    await using chat = TerminalSession.open(bob, ["repl"], { env });
    await ada.ok(["send", "bob", "in plain letters"]);
    await chat.seen(/\*ada {2}in plain letters/);
    await chat.type("/nonsense\r", "/list\r");
    await chat.seen(/no command \/nonsense[\s\S]*1 {2}ada/);
    await chat.type("/quit\r");
    assert.equal(await chat.ended, 0);
    assert.doesNotMatch(chat.raw, unwanted);
  }
});

onTerminal("unread lines are counted in the prompt until their conversation is opened", async () => {
  await using chat = TerminalSession.open(bob, ["repl", "--with", "me"]);
  await chat.seen(/\[\d+\] to notes>/);
  await ada.ok(["send", "bob", "look here"]);
  await chat.seen(/\*ada {2}look here/);
  await chat.type("/dm ada\r");
  await chat.seen(/-- \d unread --[\s\S]*ada {2}look here\nto ada>/);
  await chat.type(keys.ctrlD);
  assert.equal(await chat.ended, 0);
});

onTerminal("^C clears the line, twice ends with 130; the terminal is as it was", async () => {
  await using chat = TerminalSession.open(ada, ["repl", "--with", "bob"], { after: "stty -a;" });
  await chat.seen(/to bob>/);
  await chat.type("not to be sent");
  await chat.seen(/to bob> not to be sent$/);
  await chat.type(keys.ctrlC);
  await chat.seen(/to bob>$/);
  await chat.type("x");
  await chat.seen(/to bob> x$/);
  await chat.type(keys.ctrlC);
  await chat.seen(/to bob>$/);
  await chat.type(keys.ctrlC);
  assert.equal(await chat.ended, 130, chat.screen.text());
  assert.match(chat.screen.text(), / icanon[\s\S]* echo /);
  assert.doesNotMatch(chat.screen.text(), /to bob>/);
  assert.deepEqual(await texts(bob, ada), []);
});

onTerminal("typed lines come back after a restart; the file is private and holds no text of messages", async () => {
  const secret = "the-dog-is-called-Fermat";
  await using first = TerminalSession.open(ada, ["repl"]);
  await first.seen(/>/);
  await first.type(`@bob ${secret}\r`, "/whoami\r");
  await first.seen(/device {2}SHA256/);
  await first.type(keys.ctrlD);
  assert.equal(await first.ended, 0);
  await using second = TerminalSession.open(ada, ["repl"]);
  await second.seen(/>/);
  await second.type(keys.up);
  await second.seen(/> \/whoami$/);
  await second.type(keys.up);
  await second.seen(new RegExp(`> @bob ${secret}$`));
  await second.type(keys.ctrlU, keys.ctrlD);
  assert.equal(await second.ended, 0);
  const [file] = Array.from(Deno.readDirSync(ada.path("state/qight"))).filter(({ name }) =>
    name.startsWith("repl_history")
  );
  const path = ada.path(`state/qight/${file.name}`);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  assert.match(await Deno.readTextFile(path), /^=[0-9a-f]{32}\n\/whoami\n/m);
  assert.doesNotMatch(await Deno.readTextFile(path), /Fermat/);
});

onTerminal("a question is answered on the line, and its answer is no line to come back to", async () => {
  await using chat = TerminalSession.open(bob, ["repl"]);
  await chat.seen(/>/);
  await chat.type("/block ada\r");
  await chat.seen(/Type ada to go on:$/);
  await chat.type(keys.ctrlC);
  await chat.seen(/Nothing was changed/);
  await chat.type("/block ada\r");
  await chat.seen(/Type ada to go on:$/);
  await chat.type("ada\r");
  await chat.seen(/ada is blocked/);
  await chat.type(keys.up);
  await chat.seen(/> \/block ada$/);
  await chat.type(" --undo\r");
  await chat.seen(/ada is not blocked any more/);
  await chat.type(keys.ctrlD);
  assert.equal(await chat.ended, 0);
});

onTerminal("regression: nothing stands before the greeting, and no prompt is left behind", async () => {
  await using chat = TerminalSession.open(ada, ["repl", "--with", "bob"]);
  await chat.seen(/to bob>/);
  // deno-lint-ignore no-control-regex
  const written = chat.raw.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
  assert.match(written, /^you are /, "the greeting is the first thing that is written");
  await chat.type(keys.ctrlD);
  assert.equal(await chat.ended, 0);
});

const mayChangeUser = Deno.build.os === "linux" && Deno.uid() === 0 &&
  new Deno.Command("sh", { args: ["-c", "command -v setpriv"], stdout: "null" }).outputSync().success;

Deno.test({
  name: "regression: on a terminal of another user, as after su, Enter works, and the way to line editing is said" +
    (hasScript && mayChangeUser ? "" : " (needs root, script and setpriv)"),
  ignore: !hasScript || !mayChangeUser,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const sue = await world.member("sue", relay, { DENO_DIR: `${world.folder}/sue/deno` });
    const nobody = 65534;
    new Deno.Command("chown", { args: ["-R", `${nobody}:${nobody}`, sue.home] }).outputSync();
    Deno.chmodSync(world.folder, 0o755);
    const before = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
    await using chat = TerminalSession.open(sue, ["repl"], { before });
    await chat.seen(/This terminal belongs to another user[^]*script -qc 'qight repl' \/dev\/null/);
    await chat.type("/whoami", keys.enter);
    await chat.seen(new RegExp(sue.id));
    await chat.type(keys.ctrlD);
    assert.equal(await chat.ended, 0);
  },
});
