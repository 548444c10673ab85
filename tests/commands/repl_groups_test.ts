/** `qight repl`: groups beside people, and what is done to lines; over pipes, several chats at once. @module */
import assert from "node:assert/strict";
import { isEmoji } from "../../client/history_actions.ts";
import { Typists } from "../../cli/repl/typists.ts";
import { TestClock } from "../client/test_clock.ts";
import { row, type Running, type RunningRelay, World } from "./harness.ts";

const world = new World();
const PATIENT = { QIGHT_TIMEOUT: "120s" };
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, bob: Member, cat: Member;
const names = ["ada", "bob", "cat"];
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  [ada, bob, cat] = await Promise.all(names.map((name) => world.member(name, relay, PATIENT)));
  const people = [ada, bob, cat];
  await Promise.all(people.map(async (person) => {
    for (const [at, other] of people.entries()) {
      if (other !== person) await person.ok(["contact", "add", names[at], other.id]);
    }
  }));
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** Types a line into a chat that goes on. */
function type(chat: Running, line: string): Promise<void> {
  return chat.write(`${line}\n`);
}

/** The next line of a chat that matches; others may come before. */
async function shown(chat: Running, pattern: RegExp): Promise<string> {
  const seen: string[] = [];
  for (let line; (line = await chat.line()) !== null;) {
    if (pattern.test(line)) return line;
    seen.push(line);
  }
  throw new assert.AssertionError({ message: `never saw ${pattern}: ${seen.join("\n")}\n${chat.stderr()}` });
}

/** Asks for the newest lines until one matches: marks come when the others got to it. */
async function inHistory(chat: Running, pattern: RegExp): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    await type(chat, "/history 1");
    const line = (await chat.line())!;
    if (pattern.test(line)) return line;
  }
  throw new assert.AssertionError({ message: `never became ${pattern}` });
}

async function end(...chats: Running[]): Promise<void> {
  for (const chat of chats) await chat.closeStdin();
  for (const chat of chats) await chat.ended;
}

row("a group of three chats: made, written to, reacted to, edited, taken back, and right after a restart", async () => {
  const [a, b, c] = [ada, bob, cat].map((person) => person.start(["repl"]));
  await type(a, "/create-group team bob cat");
  await a.seen(/^#team is made, with 3 members$/m);
  await b.seen(/#team: ada added you/);
  await type(a, "hello al");
  for (const chat of [b, c]) assert.match(await shown(chat, /hello al/), /^\S+ \*#team {2}ada {2}hello al$/);
  await type(b, "#team hi ada");
  assert.match(await shown(a, /hi ada/), /^\S+ {2}bob {2}hi ada$/);
  await type(b, "/react 👍 -2");
  assert.match(await shown(b, /👍/), /^ {2}👍 you$/);
  await a.seen(/^bob reacted 👍 to "hello al"$/m);
  await type(a, "/edit hello all");
  assert.match(await shown(b, /hello all/), /^\S+ {2}ada {2}hello all \(edited\)$/);
  await type(b, "oops, wrong window");
  await shown(a, /wrong window/);
  await type(b, "/delete\ndelete");
  assert.match(await shown(a, /taken back/), /^\S+ {2}bob {2}\(taken back\)$/);
  await shown(c, /taken back/);
  await end(a, b, c);
  const { stdout } = await cat.run(["repl", "--with", "#team"], { stdin: "" });
  assert.match(stdout, /ada {2}hello all \(edited\)\n {2}👍 bob\n.*bob {2}hi ada\n.*bob {2}\(taken back\)/);
  assert.doesNotMatch(stdout, /wrong window/);
  for (const person of [ada, bob, cat]) {
    assert.match(await person.ok(["history", "--search", "hello"]), /hello all/, "the search is blind");
    assert.equal(await person.ok(["history", "--search", "wrong"]), "", "what was taken back is in no history");
    const { code } = await new Deno.Command("grep", { args: ["-rqa", "wrong window", person.home] }).output();
    assert.equal(code, 1, "nor does it lie anywhere in the open");
  }
});

row("whether it arrived has one word: a mark at the own line, and the same word with --json", async () => {
  const [a, b] = [ada, bob].map((person) => person.start(["repl"]));
  await type(a, "@bob are you there?");
  await shown(b, /are you there/);
  assert.match(await inHistory(a, /✓/), /you {2}are you there\? {2}✓ delivered$/);
  await type(b, "/dm ada");
  assert.match(await inHistory(a, /✓ read/), /you {2}are you there\? {2}✓ read$/);
  await end(a, b);
  const line = JSON.parse(await ada.ok(["history", "--in", "bob", "--max", "1", "--json"]));
  assert.deepEqual([line.state, line.read_by], ["read", [bob.id]]);
});

row("[receipts] send = false tells nobody what was read", async () => {
  Deno.mkdirSync(cat.path("config/qight"), { recursive: true });
  cat.file("config/qight/config.toml", "[receipts]\nsend = false\n");
  const [a, c] = [ada, cat].map((person) => person.start(["repl"]));
  await type(a, "@cat psst");
  await shown(c, /psst/);
  await type(c, "/dm ada");
  await shown(c, /psst/);
  await type(c, "what?");
  await shown(a, /what\?/);
  await type(a, "/history 2");
  assert.match(await shown(a, /psst/), /you {2}psst$/);
  await end(a, c);
});

row("lines disappear for both when the timer says so", async () => {
  const [a, b] = [ada, bob].map((person) => person.start(["repl"]));
  await type(a, "/dm bob\n/disappear 1s");
  await a.seen(/^lines go 1s after they were read$/m);
  await type(a, "burn after reading");
  await shown(b, /burn after reading/);
  await type(b, "/dm ada");
  await end(a, b);
  for (const [person, other] of [[ada, "bob"], [bob, "ada"]] as const) {
    let lines = "";
    do lines = await person.ok(["history", "--in", other, "--search", "burn"]); while (lines !== "");
  }
  await ada.run(["repl", "--with", "bob"], { stdin: "/disappear off\n" });
});

row("regression: /remove takes a blocked contact out of a group, as group remove does", async () => {
  const typed = [
    "/create-group calm cat",
    "/block cat",
    "cat",
    "/remove cat bob",
    "/remove cat",
    "calm",
    "/members",
  ];
  const { stdout, stderr } = await ada.run(["repl"], { stdin: [...typed, "/block cat --undo"].join("\n") });
  assert.match(stderr, /^cat is blocked$/m);
  assert.match(stderr, /bob is no member of #calm/);
  assert.match(stderr, /^cat removed from #calm$/m);
  assert.match(stdout, /^you {2}qid1\S+ {2}owner$/m);
  assert.doesNotMatch(stdout, /^cat /m);
});

row("regression: a line for a group that one was removed from is refused, and does not wait for good", async () => {
  const [a, c] = [ada, cat].map((person) => person.start(["repl"]));
  await type(a, "/create-group short cat");
  await c.seen(/#short: ada added you/);
  await type(c, "#short");
  await type(a, "/remove cat\nshort");
  await c.seen(/#short: (ada removed you|you are no member any more)/);
  await type(c, "still there?");
  await c.seen(/not sent to #short: You are no member of #short/);
  await end(a, c);
  assert.match(await cat.ok(["history", "--max", "1", "--json"]), /"state":"refused",.*"text":"still there\?"/);
  assert.doesNotMatch((await cat.run(["fetch"])).stderr, /queued message/);
});

row("regression: /dm opens a group too, and /react takes line and emoji in either order", async () => {
  const a = ada.start(["repl"]);
  await type(a, "/create-group tea");
  await a.seen(/^#tea is made, with 1 member$/m);
  await type(a, "first\nsecond\n/dm me\n/dm #tea\n/react -2 🎉");
  await shown(a, /^ {2}🎉 you$/);
  await type(a, "/list");
  await shown(a, /#tea {2}2 lines/);
  await end(a);
});

row("an admin renames and removes; who was removed, or left, is told and writes there no more", async () => {
  const [a, b, c] = [ada, bob, cat].map((person) => person.start(["repl", "--with", "#team"]));
  await type(b, "/rename mine");
  await b.seen(/only the owner and admins may rename/);
  await type(a, "/admin bob");
  await a.seen(/^bob is an admin now$/m);
  await b.seen(/ada made you an admin/);
  await type(b, "/rename crew");
  await c.seen(/#crew: bob renamed the group to "crew"/);
  await type(b, "/remove cat\nno");
  await b.seen(/Type crew to go on:[\s\S]*Nothing was changed/);
  await type(b, "/remove cat\ncrew");
  await c.seen(/bob removed you|you are no member any more/);
  await type(c, "#crew hello?");
  await c.seen(/no member of #crew|There is no group #crew/);
  await type(b, "/leave\ncrew");
  await b.seen(/^you left #crew$/m);
  await a.seen(/#crew: bob left/);
  await type(b, "/members");
  await b.seen(/^You are no member of #crew any more$/m);
  assert.match(await inHistory(b, /you left/), / -- you left$/);
  assert.doesNotMatch(a.stderr(), /you removed bob/, "that he left was told");
  await type(a, "/members\n/gi");
  assert.match(await shown(a, /owner$/), /^you {2}qid1\S+ {2}owner$/);
  await end(a, b, c);
});

row("the owner hands a group over in the chat, and names no admins from then on", async () => {
  const [a, b] = [ada, bob].map((person) => person.start(["repl"]));
  await type(a, "/create-group boat bob");
  await b.seen(/#boat: ada added you/);
  await type(a, "/admin bob --captain");
  await a.seen(/It is \/admin bob --off, or --owner/);
  await type(a, "/admin bob --owner");
  await a.seen(/^bob is the owner now$/m);
  await b.seen(/#boat: ada made you the owner/);
  await type(a, "/admin cat");
  await a.seen(/only the owner names admins/);
  await end(a, b);
});

row("in a group /invite adds a contact, or makes words that let one person in", async () => {
  const fay = await world.member("fay", relay, PATIENT);
  const a = ada.start(["repl"]);
  await type(a, "/cg band\n/invite bob");
  await a.seen(/^bob added to #band$/m);
  await type(a, "/invite");
  const words = /^words {2}(.+)$/.exec(await shown(a, /^words/))![1];
  const taken = await fay.run(["repl"], { stdin: `/join ${words}\n#band hello band\n` });
  assert.match(taken.stderr, /you are in #band now/);
  assert.match(await shown(a, /hello band/), /\S+ {2}hello band$/);
  await end(a);
});

const refused: readonly (readonly [line: string, says: RegExp])[] = [
  ["/react", /It is \/react <emoji>/],
  ["/react two words", /There is no line words here/],
  ["/react \u202e", /is no reaction/],
  ["/edit -9 x", /There is no line -9 here/],
  ["/delete", /There is no such line here/],
  ["/members", /notes is open, and that is no group/],
  ["/group nowhere", /There is no group #nowhere; nothing was sent/],
  ["#nowhere hello", /There is no group #nowhere; nothing was sent/],
  ["/cg a\u202eb", /cannot be the name of a group/],
  ["/disappear soon", /soon/],
  ["/update-key", /Notes go nowhere/],
];
row("what makes no sense is refused in one line, and changes nothing", async () => {
  const eve = await world.member("eve", relay, PATIENT);
  const { stdout, stderr } = await eve.run(["repl"], {
    stdin: ["/dm me", ...refused.map(([line]) => line)].join("\n"),
  });
  for (const [line, says] of refused) assert.match(stderr, says, line);
  assert.equal(stdout, "");
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(stderr, /[\u001b\u202e]/);
});

row("the seeds' names all work, and /help explains each", async () => {
  const { commandNamed } = await import("../../cli/repl/commands.ts");
  const known =
    "create-group cg join leave invite remove rename group-info gi members switch list ls history hist dm react " +
    "typing typing-notify edit delete send-file sf download dl disappear verify update-key rotate-keys export block whoami " +
    "help quit group";
  const missing = known.split(" ").filter((name) => !commandNamed(name));
  assert.deepEqual(missing, []);
  for (const name of known.split(" ")) assert.ok(commandNamed(name)!.summary.length > 0);
  assert.ok(isEmoji("👍"));
});

Deno.test("who is typing is said in the prompt for eight seconds, or until they stop", () => {
  const clock = new TestClock();
  let changes = 0;
  const typists = new Typists(clock, () => changes++);
  typists.noted("account:1", "bob", true);
  assert.equal(typists.text("account:1"), "(bob is typing) ");
  assert.equal(typists.text("account:2"), "");
  typists.noted("account:1", "cat", true);
  assert.equal(typists.text("account:1"), "(2 are typing) ");
  typists.noted("account:1", "cat", false);
  clock.advance(7_999);
  assert.equal(typists.text("account:1"), "(bob is typing) ");
  clock.advance(1);
  assert.deepEqual([typists.text("account:1"), changes], ["", 1]);
  typists.noted("account:1", "bob", true);
  typists.stop();
  assert.equal(typists.text("account:1"), "");
});
