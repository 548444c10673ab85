/** `/mute`: a conversation that does not ring, in lists of a chat and of scripts, and on the own other devices. @module */
import assert from "node:assert/strict";
import { type Person, row, type RunningRelay, World } from "./harness.ts";
import { hasScript } from "./on_terminal.ts";
import { keys, TerminalSession } from "./terminal_session.ts";

const world = new World();
const PATIENT = { QIGHT_TIMEOUT: "120s" };
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, bob: Member;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  [ada, bob] = await Promise.all(["ada", "bob"].map((name) => world.member(name, relay, PATIENT)));
  await ada.ok(["contact", "add", "bob", bob.id]);
  await bob.ok(["contact", "add", "ada", ada.id]);
  await ada.ok(["send", "bob", "hello"]);
  await bob.ok(["fetch"]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** A chat that is typed into and ends. */
function chat(who: Person, ...lines: string[]) {
  return who.run(["repl"], { stdin: lines.map((line) => `${line}\n`).join("") });
}

/** Lets a new machine into the account of `old`. */
async function linked(old: Person, name: string): Promise<Person> {
  const fresh = world.person(name, { QIGHT_RELAY: relay.address, ...PATIENT });
  const waiting = fresh.start(["device", "link", "--no-passphrase", "--json"]);
  const { code } = JSON.parse((await waiting.line())!);
  const approved = await old.run(["device", "link", "-", "-y"], { stdin: code });
  assert.equal(approved.code, 0, approved.stderr);
  assert.equal(await waiting.ended, 0, waiting.stderr());
  return fresh;
}

row("/mute is for good, /mute 8h for so long, /mute off ends it; /list says so", async () => {
  const { code, stdout, stderr } = await chat(
    ada,
    "/dm bob",
    "/list",
    "/mute",
    "/list",
    "/mute 8h",
    "/list",
    "/mute off",
    "/list",
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^bob is muted\nbob is muted for 8h\nbob rings again$/m);
  const lists = stdout.split("\n").filter((line) => line.startsWith(">"));
  assert.match(lists[0], /^>1 {2}bob {2}1 line {2}\S+ \S+$/);
  assert.match(lists[1], /^>1 {2}bob {2}1 line {2}\S+ \S+ {2}muted$/);
  assert.match(lists[2], /^>1 {2}bob {2}1 line {2}\S+ \S+ {2}muted until \d{4}-\d\d-\d\d \d\d:\d\d$/);
  assert.equal(lists[3], lists[0]);
});

row("what makes no sense is refused in one line, and changes nothing", async () => {
  const { code, stdout, stderr } = await chat(
    ada,
    "/mute",
    "/dm bob",
    "/mute soon",
    "/mute 0s",
    "/mute 1h 2h",
    "/list",
  );
  assert.equal(code, 64);
  assert.match(stderr, /No conversation is open/);
  assert.match(stderr, /"soon" is not a duration/);
  assert.match(stderr, /muted for a second at least/);
  assert.match(stderr, /It is \/mute \[duration\|off\]/);
  assert.doesNotMatch(stdout, /muted/);
  const { stdout: help } = await chat(ada, "/help mute");
  assert.match(help, /^\/mute \[duration\|off\] {2}no bell[^]*\/mute off lets it ring again/);
});

row("group list and group show say whether a group is muted, to people and to scripts", async () => {
  await ada.ok(["group", "create", "ops"]);
  const shown = async () => {
    const [listed] = (await ada.ok(["group", "list", "--json"])).split("\n").map((line) => JSON.parse(line));
    const { muted, muted_until } = JSON.parse(await ada.ok(["group", "show", "ops", "--json"]));
    assert.deepEqual([listed.muted, listed.muted_until], [muted, muted_until]);
    return [muted, muted_until];
  };
  assert.deepEqual(await shown(), [false, null]);
  await chat(ada, "#ops", "/mute");
  assert.deepEqual(await shown(), [true, null]);
  assert.equal(await ada.ok(["group", "list"]), "#ops  1 member  owner  muted");
  assert.match(await ada.ok(["group", "show", "ops"]), /^#ops {2}1 member {2}owner {2}muted\n/);
  const before = Date.now();
  await chat(ada, "#ops", "/mute 1h");
  const [muted, until] = await shown();
  assert.equal(muted, true);
  const ms = Date.parse(until) - before;
  assert.ok(ms >= 3_600_000 && ms <= 3_600_000 + (Date.now() - before), until);
  assert.match(await ada.ok(["group", "list"]), /^#ops {2}1 member {2}owner {2}muted until \d{4}-\d\d-\d\d \d\d:\d\d$/);
  await chat(ada, "#ops", "/mute off");
  assert.deepEqual(await shown(), [false, null]);
});

row("a new device of the account knows what is muted, and what changes there is so here", async () => {
  await chat(bob, "/dm ada", "/mute");
  const laptop = await linked(bob, "laptop");
  await laptop.ok(["fetch"]);
  assert.match((await chat(laptop, "/list")).stdout, /ada {2}1 line .* {2}muted$/m);
  await chat(laptop, "/dm ada", "/mute off");
  await laptop.ok(["fetch"]);
  await bob.ok(["fetch"]);
  assert.doesNotMatch((await chat(bob, "/list")).stdout, /muted/);
});

/** A test of a chat on a terminal that may ring. */
function ringing(name: string, fn: () => Promise<void>): void {
  const ignore = !hasScript;
  Deno.test({
    name: ignore ? `${name} (no script(1))` : name,
    ignore,
    fn,
    sanitizeOps: false,
    sanitizeResources: false,
  });
}

/** Somebody whose chats ring, and who knows ada. */
async function listener(name: string): Promise<Member> {
  const person = await world.member(name, relay, PATIENT);
  await person.ok(["contact", "add", "ada", ada.id]);
  Deno.mkdirSync(person.path("config/qight"), { recursive: true });
  person.file("config/qight/config.toml", "[repl]\nnotify = true\n");
  return person;
}

const bells = ({ raw }: TerminalSession) => raw.split("\u0007").length - 1;

ringing("with [repl] notify a message rings the bell, of a muted conversation none", async () => {
  const eve = await listener("eve");
  await using talk = TerminalSession.open(eve, ["repl", "--with", "ada"]);
  await talk.seen(/to ada>/);
  await ada.ok(["send", eve.id, "one"]);
  await talk.when(() => bells(talk) === 1, "a bell for the first");
  await talk.type("/mute", keys.enter);
  await talk.seen(/ada is muted$/m);
  await ada.ok(["send", eve.id, "two"]);
  await talk.seen(/ada {2}two$/m);
  await talk.type("/mute off", keys.enter);
  await talk.seen(/ada rings again$/m);
  await ada.ok(["send", eve.id, "three"]);
  await talk.when(() => bells(talk) > 1, "a bell for the third");
  await talk.type(keys.ctrlD);
  assert.equal(await talk.ended, 0);
  assert.equal(bells(talk), 2, "none for the second");
});

ringing("regression: what was said on another own device does not ring here", async () => {
  const fay = await listener("fay");
  const phone = await linked(fay, "fays-phone");
  await using talk = TerminalSession.open(fay, ["repl", "--with", "ada"]);
  await talk.seen(/to ada>/);
  await phone.ok(["fetch"]);
  await phone.ok(["send", ada.id, "from the phone"]);
  await talk.seen(/you {2}from the phone$/m);
  await ada.ok(["send", fay.id, "an answer"]);
  await talk.when(() => bells(talk) > 0, "a bell for the answer");
  await talk.type(keys.ctrlD);
  assert.equal(await talk.ended, 0);
  assert.equal(bells(talk), 1, "none for the own line");
});
