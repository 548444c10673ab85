/** `qight repl` over pipes: conversations that a script can drive. @module */
import assert from "node:assert/strict";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
/** The end of a chat over pipes waits so long for the last message: on a busy machine ten seconds are over soon. */
const PATIENT = { QIGHT_TIMEOUT: "120s" };
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, bob: Member, eve: Member;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  [ada, bob, eve] = await Promise.all(["ada", "bob", "eve"].map((name) => world.member(name, relay, PATIENT)));
  await ada.ok(["contact", "add", "bob", bob.id]);
  await bob.ok(["contact", "add", "ada", ada.id]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** Lines into a chat that ends when they are done. */
function chat(person: Member, lines: readonly string[], args: readonly string[] = []) {
  return person.run(["repl", ...args], { stdin: lines.map((line) => `${line}\n`).join("") });
}

/** What is in a mailbox now, as texts. */
async function texts(person: Member): Promise<string[]> {
  const out = await person.ok(["fetch", "--json"]);
  return out === "" ? [] : out.split("\n").map((line) => JSON.parse(line).text);
}

row(
  "expectation 45: @name, plain text to the last peer, // for a slash; an unknown /x is not sent and names the near one",
  async () => {
    const outcome = await chat(ada, [
      "@bob one",
      "two",
      "//three",
      "/hisotry",
      "/nothing-like-it",
      "#team four",
      "@nobody five",
    ]);
    assert.equal(outcome.code, 64, "a script hears of the first line that was refused");
    assert.deepEqual(await texts(bob), ["one", "two", "/three"]);
    assert.match(outcome.stderr, /no command \/hisotry; nothing was sent\. Did you mean \/history\?/);
    assert.match(outcome.stderr, /no command \/nothing-like-it; nothing was sent/);
    assert.match(outcome.stderr, /no group #team; nothing was sent/);
    assert.match(outcome.stderr, /no contact "nobody"/);
  },
);

row("expectation 45: /help lists every command, /help NAME explains one, by its short name too", async () => {
  const { stdout, code } = await chat(ada, ["/help", "/help dl", "/help /dm"]);
  assert.equal(code, 0);
  const { commands } = await import("../../cli/repl/commands.ts");
  for (const { name, summary } of commands) assert.ok(stdout.includes(`/${name}`) && stdout.includes(summary), name);
  assert.match(stdout, /\/download \[number\|all\] \[folder\] {2}list[\s\S]*short: \/dl/);
  assert.match(stdout, /\/dm me is a notepad/);
  for (const line of stdout.split("\n")) assert.ok(line.length <= 120, line);
});

row("plain text with nobody open is not sent, and a message that is too large is kept nowhere", async () => {
  const { code, stderr } = await chat(ada, ["hello?", `@bob ${"x".repeat(300_000)}`, "/dm bob", "/history 1"]);
  assert.equal(code, 64);
  assert.match(stderr, /No conversation is open; nothing was sent/);
  assert.match(stderr, /300000 bytes; this relay takes 262144/);
  assert.deepEqual(await texts(bob), []);
});

row("expectation 26: over pipes not a single escape character comes out, whatever was sent", async () => {
  const osc = "\u001b]52;c;aGk=\u0007\u202e\u009b31m";
  await eve.ok(["send", bob.id, `first${osc}\n18:40  ada  forged`]);
  const running = bob.start(["repl"]);
  const first = await running.line();
  assert.match(first!, /^\S+ \*qid1\S{8} {2}first\\u001b\]52;c;aGk=\\u0007\\u202e\\u009b31m$/);
  assert.match((await running.line())!, /^ {2}18:40 {2}ada {2}forged$/);
  await running.seen(/to give one: \/contacts add NAME qid1/);
  await running.write("/list\n/contacts\n/whoami\n/help\n");
  await running.closeStdin();
  let out = "";
  for (let line; (line = await running.line()) !== null;) out += line;
  assert.equal(await running.ended, 0);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(out + running.stderr(), /[\u001b\u0007\u009b\u202e]/);
});

row("what was said survives a restart, is read where it was shown, and lies nowhere in the open", async () => {
  const secret = "the-cat-is-called-Schroedinger";
  await chat(ada, [`@bob ${secret}`]);
  const running = bob.start(["repl"]);
  assert.match((await running.line())!, new RegExp(`\\*ada {2}${secret}`));
  await running.closeStdin();
  await running.ended;
  assert.match((await bob.run(["repl"], { stdin: "/list\n" })).stdout, / ada {2}1 unread of \d+ /);
  const opened = await chat(bob, ["/list"], ["--with", "ada"]);
  assert.match(opened.stderr, /-- 1 unread --/);
  assert.match(opened.stdout, new RegExp(`ada {2}${secret}[\\s\\S]*>1 {2}ada {2}\\d+ lines`));
  assert.match((await chat(ada, ["/dm bob", "/history 1"])).stdout, new RegExp(`you {2}${secret}`));
  assert.deepEqual(await texts(bob), []);
  for (const { home } of [ada, bob]) {
    const { success } = await new Deno.Command("grep", { args: ["-rqa", secret, home], stderr: "null" }).output();
    assert.equal(success, false, `readable below ${home}`);
  }
});

row("without a relay messages wait on disk in their order, and go out when it is back", async () => {
  const other = await world.relay({ name: "sometimes" });
  const carol = await world.member("carol", other, PATIENT);
  const dave = await world.member("dave", other, PATIENT);
  const running = carol.start(["repl"]);
  await running.write(`@${dave.id} before\n`);
  const reader = dave.start(["repl"]);
  assert.match((await reader.line())!, /before$/);
  await other.stop();
  await running.write("one\ntwo\n");
  await running.seen(/^offline: .*trying again, and what you write waits on disk$/m);
  const back = await world.relay({ name: "sometimes", port: other.port });
  assert.match((await reader.line())!, /one$/);
  assert.match((await reader.line())!, /two$/);
  await running.seen(/^connected$/m);
  assert.equal(running.stderr().match(/^offline/gm)!.length, 1, "one line for one loss");
  assert.equal(running.stderr().match(/^connected$/gm)!.length, 1);
  await back.stop();
  await running.write("three\n/history 1\n");
  assert.match((await running.line())!, /you \(waiting\) {2}three$/);
  await running.closeStdin();
  assert.equal(await running.ended, 0);
  assert.match(running.stderr(), /1 message waits on disk; the next qight repl, send or fetch brings it to the relay/);
  await reader.closeStdin();
  await reader.ended;
  await world.relay({ name: "sometimes", port: other.port });
  await carol.ok(["fetch"]);
  assert.deepEqual(await texts(dave), ["three"]);
  assert.match((await chat(carol, [`/dm ${dave.id}`])).stdout, /you {2}three$/m);
});

row("files wait in the history, also after a restart, until /download brings them to disk once", async () => {
  const folder = ada.path("to send");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/notes \u001b[31m.txt`, "the contents");
  const sent = await chat(ada, ["/dm bob", `/send-file "to send/notes \u001b[31m.txt" see page 3`, "/sf nowhere.txt"]);
  assert.match(sent.stderr, /Cannot read nowhere\.txt/);
  const received = bob.start(["repl"]);
  assert.match((await received.line())!, /\*ada {2}see page 3$/);
  const number = /\[file (\d+)\] notes \\u001b\[31m\.txt {2}12 bytes/.exec((await received.line())!)![1];
  await received.closeStdin();
  await received.ended;

  const listed = await chat(bob, ["/download"]);
  assert.match(listed.stdout, new RegExp(`^\\[file ${number}\\] notes`));
  const saved = await chat(bob, [`/dl ${number} here`, "/download", `/dl ${number}`, "/dl x", "/dm ada"]);
  assert.match(saved.stdout, /^saved here\/notes \[31m\.txt/m);
  assert.match(saved.stderr, /no files wait/);
  assert.match(saved.stderr, /File \d+ is not here any more\. It was saved as here/);
  assert.match(saved.stdout, /\[file \d+\].*saved as here/);
  assert.equal(await Deno.readTextFile(bob.path("here/notes [31m.txt")), "the contents");
});

row("/dm me is a notepad: what is written there stays here", async () => {
  const { stdout, stderr } = await chat(ada, ["@me buy milk", "and bread", "/list", "/dm me"]);
  assert.match(stdout, />1 {2}notes {2}2 lines/);
  assert.match(stdout, /you {2}buy milk\n.*you {2}and bread/);
  assert.equal(stderr, "");
  assert.deepEqual(await texts(ada), []);
  assert.match((await chat(ada, [`/dm ${ada.id}`])).stdout, /buy milk/);
});

row("a stranger can be named on the spot, and /switch goes by number, by name and back", async () => {
  const zoe = await world.member("zoe", relay, PATIENT);
  await chat(eve, [`@${zoe.id} who am I?`]);
  const running = zoe.start(["repl"]);
  assert.match((await running.line())!, /\*qid1\S{8} {2}who am I\?/);
  await running.write(
    "/switch 1\n/contacts add eve\n/contacts\n/dm me\n/switch\n/history 1\n/switch nobody\n/switch 9\n",
  );
  await running.closeStdin();
  const lines = [];
  for (let line; (line = await running.line()) !== null;) lines.push(line);
  assert.equal(await running.ended, 67);
  assert.ok(lines.includes(`eve  ${eve.id}  not verified`), lines.join("\n"));
  assert.match(lines.at(-1)!, /eve {2}who am I\?$/);
  assert.match(running.stderr(), /There is no contact "nobody"[\s\S]*There is no conversation 9/);
});

row("what destroys asks for the name; another answer, none, or --no-input changes nothing", async () => {
  const wrong = await chat(bob, ["/block ada", "yes", "/contacts remove ada"]);
  assert.match(
    wrong.stderr,
    /Type ada to go on:[\s\S]*Nothing was changed[\s\S]*Type ada to go on:[\s\S]*Nothing was changed/,
  );
  assert.match((await chat(bob, ["/block ada", "ada"], ["--no-input"])).stderr, /Nothing was changed/);
  assert.equal((await bob.ok(["contact", "list", "--json"])).includes('"blocked":false'), true);

  assert.match((await chat(bob, ["/block ada", "ada", "@ada hello"])).stderr, /ada is blocked[\s\S]*"ada" is blocked/);
  assert.equal((await ada.run(["send", "bob", "unseen"])).code, 77);
  assert.equal((await chat(bob, ["/block ada --undo", "/dm ada", "/history 1"])).stdout.includes("unseen"), false);
  assert.match((await chat(bob, ["/contacts remove ada"], ["-y"])).stderr, /ada is forgotten/);
  await bob.ok(["contact", "add", "ada", ada.id]);
});

row(
  "regression: a chat over a pipe ends with the code of the first line that was refused, and does the others",
  async () => {
    const { code, stdout, stderr } = await chat(bob, ["@nobody lost", "/block ada", "wrong", "/whoami"]);
    assert.equal(code, 67, stderr);
    assert.ok(stdout.startsWith(`${bob.id}\n`), "the lines after it are done");
    assert.equal((await chat(bob, ["/whoami"])).code, 0);
  },
);

row("regression: hints in a chat name what is typed in a chat", async () => {
  const { stderr } = await chat(ada, ["@nobody hello", "/block bob", "bob", "@bob hello", "/block bob --undo"]);
  assert.match(stderr, /no contact "nobody"\. See \/contacts; add one with \/contacts add NAME ID\./);
  assert.match(stderr, /"bob" is blocked\. To write to them again: \/block bob --undo\./);
  assert.doesNotMatch(stderr, /qight (contact|invite)/);
});

row("/verify compares given digits, and takes yes alone", async () => {
  const digits = JSON.parse(await ada.ok(["contact", "show", "bob", "--json"])).safety_number as string;
  const wrong = await chat(bob, ["/verify ada 12345", `/verify ada ${"0".repeat(60)}`, "/verify ada", "y"]);
  assert.match(wrong.stderr, /60 digits[\s\S]*not the digits of "ada"[\s\S]*"ada" was not verified/);
  const right = await chat(bob, [`/verify ada ${digits.match(/\d{5}/g)!.join(" ")}`]);
  assert.match(right.stderr, /ada is verified/);
  const asked = await chat(ada, ["/dm bob", "/verify", "yes"]);
  assert.equal(asked.stdout.replace(/\D/g, "").includes(digits), true);
  assert.match(asked.stderr, /bob is verified/);
});

row("/export writes the conversation privately and over nothing", async () => {
  const { stderr } = await chat(ada, ["/dm bob", "@bob for the record", "/export", "/export", "/export log.txt"]);
  assert.match(stderr, /\d+ lines in qight-bob\.txt\nqight-bob\.txt exists and is not overwritten/);
  const text = await Deno.readTextFile(ada.path("qight-bob.txt"));
  assert.match(text, /^\d{4}-\d\d-\d\d \d\d:\d\d {2}you(?: \(waiting\))? {2}for the record$/m);
  assert.equal((await Deno.stat(ada.path("log.txt"))).mode! & 0o777, 0o600);
});

row("another reader that takes the mailbox over is one clear line, and writing goes on", async () => {
  await texts(bob);
  const running = bob.start(["repl"]);
  await ada.ok(["send", "bob", "to the repl"]);
  assert.match((await running.line())!, /to the repl$/);
  const follower = bob.start(["fetch", "--follow"]);
  await running.seen(/^another qight reads this mailbox now/m);
  await ada.ok(["send", "bob", "to the follower"]);
  assert.match((await follower.line())!, /to the follower$/);
  await running.write("@ada still writing\n");
  await running.closeStdin();
  assert.equal(await running.ended, 0);
  assert.deepEqual(await texts(ada), ["still writing"]);
  follower.signal("SIGINT");
  await follower.ended;
});

row("a chat that is killed has lost nothing that it showed, and shows nothing twice", async () => {
  const running = bob.start(["repl"]);
  await ada.ok(["send", "bob", "shown once"]);
  assert.match((await running.line())!, /shown once$/);
  running.signal("SIGKILL");
  assert.equal(await running.ended, 137);
  const again = bob.start(["repl"]);
  await ada.ok(["send", "bob", "after it"]);
  assert.match((await again.line())!, /after it$/);
  await again.write("/dm ada\n/history 2\n");
  await again.closeStdin();
  const lines = [];
  for (let line; (line = await again.line()) !== null;) lines.push(line);
  await again.ended;
  assert.equal(lines.slice(-2)[0].endsWith("shown once"), true, lines.join("\n"));
});

row("SIGTERM ends a chat with 143 and no complaint", async () => {
  const running = bob.start(["repl"]);
  await running.write("/whoami\n");
  assert.equal(await running.line(), bob.id);
  running.signal("SIGTERM");
  assert.equal(await running.ended, 143);
  assert.equal(running.stderr(), "");
});

row("repl --json is 64, and says what scripts use instead", async () => {
  const outcome = await ada.run(["repl", "--json"]);
  assert.deepEqual([outcome.code, errorOf(outcome).code], [64, "usage"]);
  assert.match(errorOf(outcome).hint, /qight fetch --json/);
});

const refused: [args: string[], exit: number, why: RegExp][] = [
  [["chat", "--with", "nobody"], 67, /no contact "nobody"/],
  [["repl", "--relay", "qight://x@y"], 64, /address is malformed/],
];
for (const [args, exit, why] of refused) {
  row(`${args.join(" ")} is ${exit}`, async () => {
    const outcome = await ada.run(args);
    assert.equal(outcome.code, exit);
    assert.match(outcome.stderr, why);
  });
}

row("a relay with another key ends the chat with 76 before anything is sent", async () => {
  const other = await world.relay({ name: "impostor" });
  const address = relay.address.replace(/:\d+$/, `:${other.port}`);
  const outcome = await ada.run(["repl", "--relay", address], { stdin: "@bob psst\n" });
  assert.equal(outcome.code, 76, outcome.stderr);
});

row(
  "/invite makes an invite and /accept takes it: both are verified contacts, and its words are written nowhere",
  async () => {
    const fay = await world.member("fay", relay, PATIENT);
    const gus = await world.member("gus", relay, PATIENT);
    const running = fay.start(["repl"]);
    await running.write("/invite Gus\n");
    const words = /^words {2}(.+)$/.exec((await running.line())!)![1];
    assert.match((await running.line())!, /^link {3}qight:/);
    assert.match((await running.line())!, /^qight invite accept 'qight:/);
    const taken = await chat(gus, [`/accept ${words}`, "/invite list", `/accept ${words}`, "/accept one two"]);
    const named = /^(\S+) is a verified contact now: (\S+)$/m.exec(taken.stderr)!;
    assert.equal(named[2], fay.id);
    assert.match(taken.stderr, /you have made no invites/);
    await running.seen(/^Gus took your invite .* verified contact now/m);
    await running.write("@gus welcome\n/contacts\n/invite list\n");
    assert.match((await running.line())!, new RegExp(`^Gus {2}${gus.id} {2}verified$`));
    assert.match((await running.line())!, /accepted/);
    await running.closeStdin();
    assert.equal(await running.ended, 0);
    assert.deepEqual(await texts(gus), ["welcome"]);
    for (const { home } of [fay, gus]) {
      const { success } = await new Deno.Command("grep", { args: ["-rqa", words, home], stderr: "null" }).output();
      assert.equal(success, false);
    }
  },
);

row("/doctor says line by line what is right", async () => {
  const { stdout } = await chat(ada, ["/doctor"]);
  assert.match(stdout, /^ok {4}quic /m);
  assert.match(stdout, /^ok {4}key /m);
});

row("config.toml: files of contacts save themselves, times and the file of typed lines go away", async () => {
  const hal = await world.member("hal", relay, PATIENT);
  await hal.ok(["contact", "add", "ada", ada.id]);
  await Deno.mkdir(hal.path("config/qight"), { recursive: true });
  const text = `[files]\nsave_dir = "${hal.path("inbox")}"\nauto_accept = true\nmax = "1KiB"\n`;
  hal.file("config/qight/config.toml", `${text}[repl]\ntimestamps = false\nhistory = false\n`);
  ada.file("small.txt", "small");
  ada.file("large.txt", "x".repeat(2000));
  await ada.ok(["send", hal.id, "-f", "small.txt", "-f", "large.txt", "two files"]);
  await eve.ok(["send", hal.id, "-f", eve.file("strange.txt", "strange"), "from a stranger"]);
  const running = hal.start(["repl"]);
  const lines = [];
  for (let at = 0; at < 5; at++) lines.push(await running.line());
  assert.match(lines.join("\n"), /^\*ada {2}two files$/m);
  assert.match(lines.join("\n"), /small\.txt {2}5 bytes {2}saved as .*inbox\/small\.txt$/m);
  assert.match(lines.join("\n"), /large\.txt {2}2000 bytes {2}\/download \d+$/m);
  assert.match(lines.join("\n"), /strange\.txt {2}7 bytes {2}\/download \d+$/m);
  await running.write("/list\n");
  await running.closeStdin();
  assert.equal(await running.ended, 0);
  assert.equal(await Deno.readTextFile(hal.path("inbox/small.txt")), "small");
  assert.deepEqual(Array.from(Deno.readDirSync(hal.home)).some(({ name }) => name === "state"), false);
});
