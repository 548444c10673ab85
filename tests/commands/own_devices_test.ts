/** Devices of one account between real processes: contacts, read marks and history go from one to the other by themselves. @module */
import assert from "node:assert/strict";
import { type Person, row, World } from "./harness.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());
const relay = await world.relay();

/** Lets a new machine into the account of `old`. */
async function linked(old: Person, name: string, ...flags: string[]): Promise<Person> {
  const fresh = world.person(name, { QIGHT_RELAY: relay.address });
  const waiting = fresh.start(["device", "link", "--no-passphrase", "--json"]);
  const { code } = JSON.parse((await waiting.line())!);
  const approved = await old.run(["device", "link", "-", "-y", ...flags], { stdin: code });
  assert.equal(approved.code, 0, approved.stderr);
  assert.equal(await waiting.ended, 0, waiting.stderr());
  return fresh;
}

async function namesOf(at: Person): Promise<string[]> {
  const list = await at.ok(["contact", "list", "--json"]);
  return list === "" ? [] : list.split("\n").map((line) => JSON.parse(line).name);
}

row("a new device has contacts and history after its first fetch, and one line says how much came", async () => {
  const old = await world.member("old", relay);
  const bob = await world.member("bob", relay);
  await old.ok(["contact", "add", "bob", bob.id]);
  for (const text of ["one", "two"]) await old.ok(["send", "bob", text]);
  await bob.ok(["send", old.id, "three"]);
  await old.ok(["fetch"]);
  const fresh = await linked(old, "fresh");
  const fetched = await fresh.run(["fetch"]);
  assert.equal(fetched.code, 0, fetched.stderr);
  assert.match(fetched.stderr, /history: 3 of 3 lines came from another device of yours/);
  assert.deepEqual(await namesOf(fresh), ["bob"]);
  assert.match(await fresh.ok(["history", "--in", "bob"]), /one\n[^]*two\n[^]*three/);
  // Nothing comes twice.
  const again = await fresh.run(["fetch"]);
  assert.equal(again.stderr, "");
});

row("--no-history brings contacts alone", async () => {
  const old = await world.member("lean-old", relay);
  await old.ok(["contact", "add", "bob", (await world.member("lean-bob", relay)).id]);
  await old.ok(["send", "bob", "before the link"]);
  const fresh = await linked(old, "lean-fresh", "--no-history");
  await fresh.ok(["fetch"]);
  assert.deepEqual(await namesOf(fresh), ["bob"]);
  assert.equal(await fresh.ok(["history", "--in", "bob"]), "");
});

row("a contact that is added or removed on one device is so on the other after the next commands of both", async () => {
  const old = await world.member("pair-old", relay);
  const bob = await world.member("pair-bob", relay);
  const fresh = await linked(old, "pair-fresh");
  await fresh.ok(["fetch"]);
  await fresh.ok(["contact", "add", "bob", bob.id]);
  await fresh.ok(["send", "bob", "hello"]);
  await old.ok(["fetch"]);
  assert.deepEqual(await namesOf(old), ["bob"]);
  await old.ok(["contact", "remove", "bob", "-y"]);
  await old.ok(["fetch"]);
  await fresh.ok(["fetch"]);
  assert.deepEqual(await namesOf(fresh), []);
});

row(
  "a name that means somebody else here keeps its meaning; one line tells of the other, and sending stops",
  async () => {
    const old = await world.member("pin-old", relay);
    const [here, there] = [await world.member("pin-here", relay), await world.member("pin-there", relay)];
    const fresh = await linked(old, "pin-fresh");
    await fresh.ok(["fetch"]);
    await old.ok(["fetch"]);
    await old.ok(["contact", "add", "bob", here.id]);
    await fresh.ok(["contact", "add", "bob", there.id]);
    await fresh.ok(["fetch"]);
    const told = await old.run(["fetch"]);
    assert.match(told.stderr, new RegExp(`another device of yours calls ${there.id} "bob", who is somebody else here`));
    const refused = await old.run(["send", "bob", "who are you"]);
    assert.equal(refused.code, 77, refused.stderr);
    assert.match(await old.ok(["contact", "list"]), new RegExp(here.id.slice(0, 12)));
  },
);

row("a chat on the new device takes the history in while it goes on", async () => {
  const old = await world.member("chat-old", relay);
  const bob = await world.member("chat-bob", relay);
  await old.ok(["contact", "add", "bob", bob.id]);
  await old.ok(["send", "bob", "before the link"]);
  const fresh = await linked(old, "chat-fresh");
  const chat = fresh.start(["repl"]);
  await chat.seen(/history: 1 of 1 lines came from another device of yours/);
  await chat.write("/dm bob\n");
  assert.match((await chat.line())!, /you {2}before the link$/);
  await chat.closeStdin();
  assert.equal(await chat.ended, 0, chat.stderr());
});

row("what was looked at in a chat is not unread on the other device", async () => {
  const old = await world.member("read-old", relay);
  const bob = await world.member("read-bob", relay);
  await old.ok(["contact", "add", "bob", bob.id]);
  const fresh = await linked(old, "read-fresh");
  await bob.ok(["send", old.id, "look at me"]);
  const there = fresh.start(["repl"]);
  assert.match((await there.line())!, /look at me$/);
  await there.closeStdin();
  await there.ended;
  assert.match((await fresh.run(["repl"], { stdin: "/list\n" })).stdout, /bob {2}1 unread of 1/);
  const here = old.start(["repl", "--with", "bob", "-v"]);
  assert.match((await here.line())!, /look at me$/);
  await here.seen(/told the other devices of this account what changed here/);
  await here.closeStdin();
  assert.equal(await here.ended, 0);
  await fresh.ok(["fetch"]);
  const list = await fresh.run(["repl"], { stdin: "/list\n" });
  assert.match(list.stdout, /bob {2}1 line/);
  assert.doesNotMatch(list.stdout, /unread/);
});
