/** docs/guides/accounts.md: every block on the page is run as it stands, against a real relay with names. @module */
import assert from "node:assert/strict";
import { blocksOf, installQight, runBlock } from "./guide.ts";
import { type Person, row, type RunningRelay, World } from "./harness.ts";

const blocks = await blocksOf("accounts");
const world = new World();
let relay: RunningRelay;
let ada: Person, bob: Person, clean: Person;
Deno.test.beforeAll(async () => {
  relay = await world.relay({ env: { QIGHT_CFG__AUTH__MODE: "account" } });
  [ada, bob, clean] = ["ada", "bob", "clean"].map((name) => machine(name));
  for (const person of [ada, clean]) {
    installQight(person);
    person.file("password.txt", "correct horse battery\n");
    person.file("new-password.txt", "staple in the barn\n");
  }
  const password = bob.file("password.txt", "the password of bob\n");
  await bob.ok(["account", "register", "bob", "--no-passphrase", "--password-file", password]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

function machine(name: string): Person {
  return world.person(name, { QIGHT_RELAY: relay.address, QIGHT_TIMEOUT: "120s" });
}

/** What somebody reads now, as texts. */
async function texts(person: Person): Promise<string[]> {
  const out = await person.ok(["fetch", "--json"]);
  return out === "" ? [] : out.split("\n").map((line) => JSON.parse(line).text);
}

const codesIn = (person: Person, file: string) => Deno.readTextFileSync(person.path(file)).trimEnd().split("\n");

const runs: Record<string, (sh: string[]) => Promise<void>> = {
  async "A name and a password"([block]) {
    assert.match(await runBlock(ada, block), /^name +ada\nid +qid1\S+\ndevices +1, 1 signed in\ncodes +8 left\n$/);
    assert.equal(codesIn(ada, "codes.txt").length, 8);
  },
  async "Sign in and out"([block]) {
    assert.match(await runBlock(ada, block), /^signed out .*\nsigned in as ada .*\nada has a new password;.*\n$/);
  },
  async "Find people by their name"([block]) {
    assert.match(await runBlock(ada, block), /^bob {2}qid1\S+ {2}not verified\n[0-9a-f]{32}\n$/);
    assert.deepEqual(await texts(bob), ["found you"]);
  },
  async "More devices"([block]) {
    const phone = machine("phone");
    const waiting = phone.start(["device", "link", "--no-passphrase", "--name", "phone"]);
    await ada.ok(["device", "link", ...(await waiting.line())!.split(" "), "-y"]);
    assert.equal(await waiting.ended, 0, waiting.stderr());
    assert.match(await runBlock(ada, block), /^device {2,}SHA256:.* this device\nphone {2,}SHA256:/);
  },
  async "A device is lost"([block]) {
    assert.match(await runBlock(ada, block), /SHA256:/);
    assert.notEqual((await machine("phone").run(["fetch"])).code, 0);
  },
  async "Recovery codes"([block]) {
    await runBlock(ada, block);
    const [fresh, old] = [codesIn(ada, "new-codes.txt"), codesIn(ada, "codes.txt")];
    assert.equal(new Set([...fresh, ...old]).size, 16);
  },
  async "All devices are lost"([block]) {
    clean.file("code.txt", codesIn(ada, "new-codes.txt")[4]);
    assert.match(await runBlock(clean, block), /^bob {2}qid1\S+ {2}not verified\n[0-9a-f]{32}\n$/);
    assert.equal(codesIn(clean, "codes-3.txt").length, 8);
    assert.notEqual((await ada.run(["fetch"])).code, 0);
    assert.ok((await texts(bob)).includes("it is me again"));
  },
  async "The end"([block]) {
    assert.match(await runBlock(clean, block), /^ada {2}qid1\S+\n$/);
    assert.notEqual((await bob.run(["send", "ada", "are you there?"])).code, 0);
  },
};

Deno.test("every section of the guide with something to type is run here, and none that it no longer has", () => {
  assert.deepEqual([...blocks.keys()], Object.keys(runs));
});

for (const [name, run] of Object.entries(runs)) {
  row(`the guide's blocks work as they stand: ${name}`, () => run(blocks.get(name)!));
}
