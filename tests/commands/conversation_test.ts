/** Talking in conversations from the shell: send and fetch of people and groups, several processes of one identity. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock, systemRandom } from "../../client/clock.ts";
import { ensurePublished } from "../../client/publish.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { accountFromSeed } from "../../crypto/account.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

type Member = Awaited<ReturnType<World["member"]>>;

const world = new World();
const PATIENT = { QIGHT_TIMEOUT: "120s" };
let relay: RunningRelay;
let ada: Member, bob: Member, eve: Member;

Deno.test.beforeAll(async () => {
  relay = await world.relay();
  [ada, bob, eve] = await Promise.all(["ada", "bob", "eve"].map((name) => world.member(name, relay, PATIENT)));
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const jsonLines = (text: string) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

/** What a fetch prints, as objects; it may say who came and went, and nothing else. */
async function fetched(person: Member, ...args: string[]) {
  const { stdout, stderr, code } = await person.run(["fetch", "--json", ...args]);
  const strange = stderr.split("\n").filter((line) => line !== "" && !/"event":"(joined|member_added)"/.test(line));
  assert.deepEqual([code, strange], [0, []]);
  return jsonLines(stdout);
}

row(
  "send begins the conversation by itself; JSON says via and in on both sides, and --sealed stays outside",
  async () => {
    const first = JSON.parse(await ada.ok(["send", bob.id, "one", "--json"]));
    assert.deepEqual([first.via, first.to, typeof first.seq], ["mls", bob.id, "number"]);
    const [heard] = await fetched(bob);
    assert.deepEqual([heard.text, heard.via, heard.in, heard.from, heard.verified], [
      "one",
      "mls",
      ada.id,
      ada.id,
      true,
    ]);
    const back = JSON.parse(await bob.ok(["send", ada.id, "two", "--json"]));
    assert.deepEqual([back.via, JSON.parse(await ada.ok(["send", bob.id, "three", "--sealed", "--json"])).via], [
      "mls",
      "sealed",
    ]);
    assert.deepEqual((await fetched(ada)).map(({ text, via, in: where }) => [text, via, where]), [[
      "two",
      "mls",
      bob.id,
    ]]);
    assert.deepEqual((await fetched(bob)).map(({ text, via }) => [text, via]), [["three", "sealed"]]);
  },
);

row("who published no KeyPackage is written to sealed with one line that says so; --wait sends nothing", async () => {
  const signer = await signerFromSeed(new Uint8Array(32).fill(7));
  const identity = { account: await accountFromSeed(new Uint8Array(32).fill(7)), signer, deviceName: "old" };
  await using store = await openSqliteStore({ path: ":memory:", key: new Uint8Array(32) });
  await using client = await RelayClient.connect(relay.address, { signer });
  await ensurePublished({ relay: client, store, identity, clock: systemClock, random: systemRandom });
  const to = identity.account.id;
  const refused = await ada.run(["send", to, "x", "--wait", "--json"]);
  assert.equal(errorOf(refused).code, "no_key_package");
  const { stdout, stderr, code } = await ada.run(["send", to, "x", "--json"]);
  assert.deepEqual([code, JSON.parse(stdout).via], [0, "sealed"]);
  assert.match(stderr, /^sent sealed, not in a conversation: .*\n$/);
});

row("a note to oneself goes sealed without a word", async () => {
  const { stdout, stderr } = await ada.run(["send", ada.id, "milk", "--json"]);
  assert.deepEqual([JSON.parse(stdout).via, stderr], ["sealed", ""]);
  assert.deepEqual((await fetched(ada)).map(({ text }) => text), ["milk"]);
});

row("#NAME is a group for send, fetch --in and people's eyes", async () => {
  await ada.ok(["group", "create", "ops", bob.id, eve.id]);
  const sent = JSON.parse(await ada.ok(["send", "#ops", "deploy", "--json"]));
  assert.deepEqual([sent.to, sent.via, Object.keys(sent.seq).length], ["#ops", "mls", 2]);
  await ada.ok(["send", bob.id, "between us"]);
  assert.deepEqual((await fetched(bob, "--in", "#ops")).map(({ text, in: where }) => [text, where]), [
    ["deploy", "#ops"],
  ]);
  assert.deepEqual((await fetched(bob, "--in", ada.id)).map(({ text }) => text), ["between us"]);
  assert.match((await eve.run(["fetch"])).stdout, /^\d\d:\d\d {2}#ops qid1\S+ {2}deploy\n$/);
});

row("who was invited may write to the group before reading anything: at once, in lines, and queued", async () => {
  for (
    const [name, args, stdin] of [["now", ["x"], ""], ["lines", ["--lines"], "x"], [
      "queue",
      ["x", "--queue"],
      "",
    ]] as const
  ) {
    await ada.ok(["group", "create", `first-${name}`, bob.id]);
    await bob.ok(["send", `#first-${name}`, ...args], { stdin });
    assert.deepEqual((await fetched(ada, "--in", `#first-${name}`)).map(({ text }) => text), ["x"]);
  }
});

for (
  const [args, code] of [
    [["send", "#nothing", "x"], "no_such_group"],
    [["send", "#ops", "x", "--sealed"], "usage"],
    [["send", "#ops", "x", "--plaintext"], "usage"],
    [["send", "TO", "x", "--wait", "--sealed"], "usage"],
    [["send", "TO", "x", "--wait", "--queue"], "usage"],
    [["fetch", "--in", "#nothing"], "no_such_group"],
  ] as const
) {
  row(`${args.join(" ")} is ${code}`, async () => {
    const words = args.map((word) => word === "TO" ? bob.id : word);
    assert.equal(errorOf(await ada.run([...words, "--json"])).code, code);
  });
}

row("12 sends of one identity to one group at once all arrive, once, and no key is used twice", async () => {
  const texts = Array.from({ length: 12 }, (_, number) => `at once ${number}`);
  await Promise.all(texts.map((text) => ada.ok(["send", "#ops", text])));
  for (const person of [bob, eve]) {
    const heard = await fetched(person);
    assert.deepEqual(heard.map(({ text }) => text).sort(), [...texts].sort());
    assert.equal(new Set(heard.map(({ id }) => id)).size, texts.length);
  }
});

row("send --lines into a group keeps the order while members come and go", async () => {
  const texts = Array.from({ length: 300 }, (_, number) => `line ${number}`);
  const sending = ada.ok(["send", "#ops", "--lines"], { stdin: texts.join("\n") });
  const cat = await world.member("cat", relay, PATIENT);
  await bob.ok(["group", "invite", "#ops", cat.id]);
  assert.equal((await sending).split("\n").length, texts.length);
  assert.deepEqual((await fetched(eve)).map(({ text }) => text), texts);
});

row("send --wait ends when the other side has it, which tells its contacts alone", async () => {
  await bob.ok(["contact", "add", "ada", ada.id]);
  const waiting = ada.start(["send", bob.id, "are you there?", "--wait"]);
  assert.match((await waiting.line())!, /^[0-9a-f]{32}$/, "the id comes as soon as the relay has it");
  const [heard] = (await fetched(bob)).filter(({ text }) => text === "are you there?");
  assert.ok(heard);
  assert.equal(await waiting.ended, 0);
});

row("a full mailbox at one of several members: the others have it, exit 0, and stderr names who has not", async () => {
  const small = await world.relay({ name: "small", env: { QIGHT_CFG__STORAGE__MAX_QUEUE: "8" } });
  const names = ["tom", "tim", "tam"];
  const [tom, tim, tam] = await Promise.all(names.map((name) => world.member(name, small, PATIENT)));
  await tom.ok(["contact", "add", "tam", tam.id]);
  await tom.ok(["group", "create", "trio", tim.id, tam.id]);
  let last = await tom.run(["send", "#trio", "0"]);
  for (let number = 1; number < 10 && last.stderr === ""; number++) {
    await tim.ok(["fetch"]);
    last = await tom.run(["send", "#trio", `${number}`]);
  }
  assert.equal(last.code, 0, last.stderr);
  assert.match(
    last.stderr,
    /^tam did not get it: .*full.*\nto try again for them: qight send '#trio' --id [0-9a-f]{32}\n$/,
  );
  const id = last.stdout.trim();
  assert.equal((await fetched(tim)).length, 1);
  await tam.ok(["fetch"]);
  assert.equal((await tom.run(["send", "#trio", "--id", id])).stderr, "");
  assert.deepEqual(
    (await fetched(tam)).map(({ id }) => id),
    [id],
    "room was made, and the same id reaches who lacked it",
  );
  assert.deepEqual(await fetched(tim), []);
  await small.stop();
});

row("a full mailbox of the only other device is 75 queue_full, as for sealed mail", async () => {
  const tiny = await world.relay({ name: "tiny", env: { QIGHT_CFG__STORAGE__MAX_QUEUE: "3" } });
  const [tom, tim] = await Promise.all(["tom2", "tim2"].map((name) => world.member(name, tiny, PATIENT)));
  let last = await tom.run(["send", tim.id, "0", "--json"]);
  for (let number = 1; number < 6 && last.code === 0; number++) {
    last = await tom.run(["send", tim.id, `${number}`, "--json"]);
  }
  const { code, exit } = errorOf(last);
  assert.deepEqual([last.code, code, exit], [75, "queue_full", 75]);
  await tiny.stop();
});

row("a store restored from an old copy encrypts nothing under a used key: all that it sends can be read", async () => {
  const dave = await world.member("dave", relay, PATIENT);
  await dave.ok(["send", bob.id, "before"]);
  const data = join(dave.home, "data");
  const copy = join(world.folder, "copy");
  const run = (...words: string[]) =>
    assert.ok(new Deno.Command(words[0], { args: words.slice(1) }).outputSync().success);
  run("cp", "-a", data, copy);
  for (const text of ["a", "b", "c"]) await dave.ok(["send", bob.id, text]);
  run("rm", "-rf", data);
  run("cp", "-a", copy, data);
  for (const text of ["after 1", "after 2"]) {
    assert.equal(JSON.parse(await dave.ok(["send", bob.id, text, "--json"])).via, "mls");
  }
  const { stdout, stderr } = await bob.run(["fetch", "--json"]);
  const heard = jsonLines(stdout).filter(({ from }) => from === dave.id).map(({ text }) => text);
  assert.deepEqual(heard, ["before", "a", "b", "c", "after 1", "after 2"]);
  assert.doesNotMatch(stderr, /unreadable|cannot_open/);
});

row(
  "a relay restored from a backup has forgotten the conversation: it begins anew, and what is lost is told",
  async () => {
    const old = await world.relay({ name: "rolled" });
    const [tom, tim] = await Promise.all(["tom3", "tim3"].map((name) => world.member(name, old, PATIENT)));
    const backup = world.operator.path("rolled.backup");
    await world.operator.ok(["relay", "backup", backup, "--plain", "--data-dir", old.dataDir]);
    await tom.ok(["send", tim.id, "before"]);
    assert.deepEqual((await fetched(tim)).map(({ text }) => text), ["before"]);
    await old.stop();
    await world.operator.ok(["relay", "restore", backup, "--force", "--data-dir", old.dataDir]);
    const back = await world.relay({ name: "rolled", port: old.port });
    assert.equal(JSON.parse(await tom.ok(["send", tim.id, "after", "--json"])).via, "mls");
    // The other side was at the same epoch of what is gone now: it cannot open this one, says so, and comes in anew.
    const { stderr } = await tim.run(["fetch"]);
    assert.match(stderr, /could not be read \(cannot_open\)/);
    await tom.ok(["send", tim.id, "again"]);
    assert.deepEqual(jsonLines(await tim.ok(["fetch", "--json"])).map(({ text }) => text), ["again"]);
    await tim.ok(["send", tom.id, "back"]);
    assert.deepEqual(jsonLines(await tom.ok(["fetch", "--json"])).map(({ text }) => text), ["back"]);
    await back.stop();
  },
);

row("regression: fetch --wait waits for a message: that somebody was added to a group does not end it", async () => {
  const zoe = await world.member("zoe", relay, PATIENT);
  const waiting = zoe.start(["fetch", "--wait", "60s", "--json"]);
  await ada.ok(["group", "create", "quiet", zoe.id]);
  await ada.ok(["send", "#quiet", "now"]);
  assert.equal(JSON.parse((await waiting.line())!).text, "now");
  assert.equal(await waiting.ended, 0);
});
