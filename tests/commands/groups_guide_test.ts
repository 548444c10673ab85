/** docs/guides/groups.md: every block on the page is run as it stands, against a real relay. @module */
import assert from "node:assert/strict";
import { blocksOf, installQight, runBlock } from "./guide.ts";
import { row, type RunningRelay, World } from "./harness.ts";

const blocks = await blocksOf("groups");
const world = new World();
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, bob: Member, carol: Member, dave: Member;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  const patient = { QIGHT_TIMEOUT: "120s" };
  const names = ["ada", "bob", "carol", "dave"];
  [ada, bob, carol, dave] = await Promise.all(names.map((name) => world.member(name, relay, patient)));
  for (const [name, { id }] of Object.entries({ bob, carol, dave })) await ada.ok(["contact", "add", name, id]);
  installQight(ada);
  ada.file("deploy.log", "one\ntwo\nthree\nfour\n");
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** What somebody reads now, as texts. */
async function texts(person: Member): Promise<string[]> {
  const out = await person.ok(["fetch", "--json"]);
  return out === "" ? [] : out.split("\n").map((line) => JSON.parse(line).text);
}

const runs: Record<string, (sh: string[]) => Promise<void>> = {
  async "Make one"([block]) {
    assert.match(await runBlock(ada, block), /^[0-9a-f]{64}\n$/);
  },
  async "Talk"([block]) {
    assert.match(await runBlock(ada, block), /^(?:[0-9a-f]{32}\n){4}$/);
    for (const person of [bob, carol]) assert.deepEqual(await texts(person), ["deploying now", "two", "three", "four"]);
  },
  async "Who is in"([block]) {
    const out = await runBlock(ada, block);
    assert.match(out, /^#ops {2}3 members {2}owner\nyou {2}qid1\S+ {2}owner\n/);
    assert.equal(JSON.parse(out.trimEnd().split("\n").at(-1)!).people.length, 3);
  },
  async "Let somebody in"([invite, link]) {
    assert.match(await runBlock(ada, invite), /^#ops {2}4 members {2}owner\n$/);
    const words = /^words {4}(.+)$/m.exec(await runBlock(ada, link))![1];
    const gus = await world.member("gus", relay, { QIGHT_TIMEOUT: "120s" });
    assert.match(await gus.ok(["invite", "accept", "-"], { stdin: words }), /you are in #ops now$/);
    await ada.ok(["fetch"]);
  },
  async "Put somebody out"([remove, admin]) {
    assert.match(await runBlock(ada, remove), /^#ops {2}4 members {2}owner\n$/);
    await runBlock(ada, admin);
    await ada.ok(["send", "#ops", "without dave"]);
    assert.deepEqual(await texts(dave), []);
  },
  async "Another name, and lines that disappear"([block]) {
    assert.match(await runBlock(ada, block), /^#operations\n#operations .*lines go 7d after reading\n$/);
  },
  async "Read on"([block]) {
    await bob.ok(["fetch"]);
    await bob.ok(["send", "#operations", "looks good here"]);
    const lines = (await runBlock(ada, block)).trimEnd().split("\n");
    assert.match(lines[0], /#operations|looks good here/);
    assert.equal(JSON.parse(lines.at(-1)!).text, "looks good here");
  },
  async "Leave"([block]) {
    assert.equal(await runBlock(ada, block), "you left #operations\n");
  },
};

Deno.test("every section of the guide with something to type is run here, and none that it no longer has", () => {
  assert.deepEqual([...blocks.keys()], Object.keys(runs));
});

for (const [name, run] of Object.entries(runs)) {
  row(`the guide's blocks work as they stand: ${name}`, () => run(blocks.get(name)!));
}
