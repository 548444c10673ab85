/** `qight history`: what send, fetch and repl carried, once each, and only where the key is. @module */
import assert from "node:assert/strict";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, bob: Member;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  [ada, bob] = await Promise.all(["ada", "bob"].map((name) => world.member(name, relay)));
  await ada.ok(["contact", "add", "bob", bob.id]);
  await bob.ok(["contact", "add", "ada", ada.id]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** Lines of somebody's history as objects. */
async function lines(person: Member, args: readonly string[] = []) {
  const out = await person.ok(["history", "--json", ...args]);
  return out === "" ? [] : out.split("\n").map((line) => JSON.parse(line));
}

row("what send and fetch carried is in the history of both ends, once, with its word of arrival", async () => {
  const id = await ada.ok(["send", "bob", "disk full on web-3"]);
  await bob.ok(["fetch"]);
  await bob.ok(["fetch"]);
  const [sent] = await lines(ada, ["--in", "bob"]);
  assert.deepEqual([sent.type, sent.id, sent.in, sent.from, sent.text], [
    "message",
    id,
    bob.id,
    ada.id,
    "disk full on web-3",
  ]);
  assert.ok(["accepted", "delivered", "read"].includes(sent.state), sent.state);
  const received = await lines(bob, ["--in", "ada"]);
  assert.deepEqual(received.map(({ id, in: where, from_name, state }) => [id, where, from_name, state]), [
    [id, ada.id, "ada", "read"],
  ]);
  assert.match(await bob.ok(["history", "--in", "ada"]), /^\d\d:\d\d {2}ada {2}disk full on web-3$/);
  const { stdout } = await bob.run(["repl", "--with", "ada"], { stdin: "" });
  assert.equal(stdout.match(/disk full on web-3/g)!.length, 1, "the chat knows it too, once");
});

row(
  "--search finds words by their beginnings, --max takes the newest, and without --in each line says where",
  async () => {
    await ada.ok(["send", "bob", "--lines"], { stdin: "one fish\ntwo fish\nred herring\n" });
    await ada.run(["repl"], { stdin: "@me fish for dinner\n" });
    assert.deepEqual((await lines(ada, ["--search", "FISH"])).map(({ text }) => text), [
      "one fish",
      "two fish",
      "fish for dinner",
    ]);
    assert.deepEqual((await lines(ada, ["--search", "fi", "--in", "bob", "--max", "1"])).map(({ text }) => text), [
      "two fish",
    ]);
    assert.deepEqual(await lines(ada, ["--search", "whale"]), []);
    const text = await ada.ok(["history", "--max", "2"]);
    assert.match(text, /^\S+ {2}bob {2}you {2}red herring.*\n\S+ {2}notes {2}you {2}fish for dinner$/);
    assert.equal((await lines(ada, ["--in", "me"]))[0].state, "kept");
    await bob.ok(["fetch"]);
  },
);

row("files are named, answers show what they answer, and what steers a terminal is escaped", async () => {
  const asked = await bob.ok(["send", "ada", "where is\u001b[31m the report?\u202e"]);
  await ada.ok(["fetch"]);
  const file = ada.file("report\u202e.pdf", "12345");
  await ada.ok(["send", "bob", "here", "-f", file, "--reply-to", asked]);
  const [, answer] = await lines(ada, ["--in", "bob", "--max", "2"]);
  assert.deepEqual([answer.reply_to, answer.files[0].size, answer.files[0].kept], [asked, 5, false]);
  const text = await ada.ok(["history", "--in", "bob", "--max", "2"]);
  assert.match(text, /bob {2}where is\\u001b\[31m the report\?\\u202e$/m);
  assert.match(text, /you {2}\(on bob: where is\\u001b\[31m the report\?\\u202e\) here/);
  assert.match(text, /^ {2}\[file\] report\\u202e\.pdf {2}5 bytes$/m);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(text, /[\u001b\u202e]/);
  await bob.ok(["fetch", "--json"]);
});

row("a message that waits says so, and accepted once the next command brought it to the relay", async () => {
  const off = { env: { QIGHT_RELAY: relay.address.replace(/:\d+$/, ":1"), QIGHT_TIMEOUT: "1s" } };
  const id = await ada.ok(["send", "bob", "later", "--queue"], off);
  const last = async () => (await lines(ada, ["--in", "bob", "--max", "1"]))[0];
  assert.deepEqual([(await last()).id, (await last()).state], [id, "waiting"]);
  assert.match(await ada.ok(["history", "--in", "bob", "--max", "1"]), /you \(waiting\) {2}later$/);
  await ada.ok(["fetch"]);
  assert.deepEqual([(await last()).id, (await last()).state], [id, "accepted"]);
});

row("[history] keep = false keeps nothing of send and fetch", async () => {
  const cat = await world.member("cat", relay);
  Deno.mkdirSync(cat.path("config/qight"), { recursive: true });
  cat.file("config/qight/config.toml", "[history]\nkeep = false\n");
  await cat.ok(["send", ada.id, "off the record"]);
  await ada.ok(["send", cat.id, "and back"]);
  assert.match(await cat.ok(["fetch"]), /and back/);
  assert.deepEqual(await lines(cat), []);
});

row("the history lies nowhere in the open", async () => {
  const { success } = await new Deno.Command("grep", { args: ["-rqa", "herring", ada.home], stderr: "null" }).output();
  assert.equal(success, false);
});

const refused: readonly (readonly [args: readonly string[], exit: number, code: string])[] = [
  [["--in", "#nowhere"], 67, "no_such_group"],
  [["--in", "nobody"], 67, "no_such_contact"],
  [["--max", "0"], 64, "usage"],
  [["--max", "10001"], 64, "usage"],
  [["--search", " "], 64, "usage"],
];
for (const [args, exit, code] of refused) {
  row(`history ${args.join(" ")} is ${exit}`, async () => {
    const outcome = await ada.run(["history", "--json", ...args]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [exit, code]);
  });
}

row(
  "regression: what send --wait saw arrive is delivered in the history at once, before anything is fetched",
  async () => {
    const waiting = ada.start(["send", "bob", "are you there", "--wait"]);
    await waiting.line();
    await bob.ok(["fetch"]);
    assert.equal(await waiting.ended, 0, waiting.stderr());
    const [line] = await lines(ada, ["--in", "bob", "--max", "1"]);
    assert.deepEqual([line.text, line.state, line.delivered_to], ["are you there", "delivered", [bob.id]]);
    await ada.ok(["fetch"]);
  },
);
