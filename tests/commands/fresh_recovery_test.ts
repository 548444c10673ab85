/** What recovery codes bring back is what there was last, not what there was when they were made. @module */
import assert from "node:assert/strict";
import { type Person, row, type RunningRelay } from "./harness.ts";
import { namedWorld, shown } from "./named_people.ts";

const { world, named, open, machine, registered } = await namedWorld();
const FRESH = /what recovery codes bring back is fresh/;

/** Recovers `whose` account on a clean machine with a code; answers the machine, and what was said. */
async function recovered(whose: string, code: string, at: RunningRelay) {
  const next = machine(`${whose.slice(-8)}-clean`, at);
  const [codeFile, password] = [next.file("code", code), next.file("password", "another password")];
  const key = ["--no-passphrase", "--code-file", codeFile, "--password-file", password];
  const { code: exit, stderr } = await next.run(["account", "recover", whose, ...key, "-y"]);
  assert.equal(exit, 0, stderr);
  return { next, said: stderr };
}

/** Another device of an account, on a clean machine. */
async function linked(old: Person, name: string): Promise<Person> {
  const fresh = machine(name, open);
  const waiting = fresh.start(["device", "link", "--no-passphrase", "--name", name]);
  await old.ok(["device", "link", ...(await waiting.line())!.split(" "), "-y"]);
  assert.equal(await waiting.ended, 0, waiting.stderr());
  return fresh;
}

const codesOf = async (user: Person) => (await user.ok(["account", "codes"])).split("\n");
const names = async (user: Person) =>
  (await user.ok(["contact", "list"])).split("\n").map((line) => line.split(" ")[0]);

row("contacts and groups that came after the codes come back too, and what went does not", async () => {
  const [user, bea, ben] = await Promise.all(["old", "bea", "ben"].map((name) => world.member(name, open)));
  await user.ok(["contact", "add", "gone", ben.id]);
  const codes = await codesOf(user);
  await user.ok(["contact", "remove", "gone"]);
  await user.ok(["contact", "add", "bea", bea.id]);
  await bea.ok(["group", "create", "ops", user.id]);
  assert.match((await user.run(["fetch", "-v"])).stderr, FRESH);
  assert.doesNotMatch((await user.run(["fetch", "-v"])).stderr, FRESH, "nothing has changed since");
  assert.deepEqual((await shown(user)).recovery_codes, 8);
  const { next, said } = await recovered(user.id, codes[6], open);
  assert.match(said, /contacts \(1\) and conversations \(1\)/);
  assert.match(said, /conversations that this device is in again: 1/);
  assert.deepEqual(await names(next), ["bea"]);
  await bea.ok(["fetch"]);
  await bea.ok(["send", "#ops", "welcome back"]);
  assert.match(await next.ok(["fetch"]), /#ops \S+ {2}welcome back$/);
});

row("at a relay with names a send writes it down as well; who was blocked is so again", async () => {
  const user = await registered("reader");
  await Promise.all(["mate", "pest"].map((name) => registered(name)));
  await user.ok(["contact", "add", "pest"]);
  await user.ok(["contact", "block", "pest"]);
  assert.match((await user.run(["send", "mate", "hello", "-v"])).stderr, FRESH);
  const { next } = await recovered("reader", user.codes[2], named);
  assert.deepEqual(await names(next), ["mate", "pest"]);
  assert.match(await next.ok(["contact", "list"]), /pest .*blocked/);
});

row("another device writes it down too: it hears of the codes, and what it learns later comes back", async () => {
  const [laptop, bea, ben] = await Promise.all(["laptop", "bea2", "ben2"].map((name) => world.member(name, open)));
  await laptop.ok(["contact", "add", "bea", bea.id]);
  const phone = await linked(laptop, "phone");
  const codes = await codesOf(laptop);
  await phone.ok(["fetch"]);
  await phone.ok(["contact", "add", "early", ben.id]);
  assert.doesNotMatch((await phone.run(["fetch", "-v"])).stderr, FRESH, "it knows of no codes");
  await laptop.ok(["fetch"]);
  await phone.ok(["fetch"]);
  await phone.ok(["contact", "remove", "early"]);
  await phone.ok(["contact", "add", "ben", ben.id]);
  assert.match((await phone.run(["fetch", "-v"])).stderr, FRESH);
  await laptop.ok(["fetch"]);
  const tablet = await linked(laptop, "tablet");
  assert.doesNotMatch((await phone.run(["fetch", "-v"])).stderr, FRESH);
  await phone.ok(["device", "revoke", "tablet", "-y"]);
  assert.notEqual((await tablet.run(["fetch"])).code, 0);
  assert.match((await phone.run(["fetch", "-v"])).stderr, FRESH, "the revoked one may have spoilt it");
  // Nothing was heard of the laptop since.
  const { next, said } = await recovered(laptop.id, codes[0], open);
  assert.match(said, /Devices that stay until they are revoked: 2/);
  assert.deepEqual(await names(next), ["bea", "ben"]);
});
