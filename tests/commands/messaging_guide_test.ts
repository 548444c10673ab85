/** docs/guides/messaging.md: every block on the page is run as it stands, against a real relay. @module */
import assert from "node:assert/strict";
import { blocksOf, installQight, runBlock } from "./guide.ts";
import { row, type RunningRelay, World } from "./harness.ts";

const blocks = await blocksOf("messaging");
const world = new World();
let relay: RunningRelay;
type Member = Awaited<ReturnType<World["member"]>>;
let ada: Member, bob: Member;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  const patient = { QIGHT_TIMEOUT: "120s" };
  [ada, bob] = await Promise.all(["ada", "bob"].map((name) => world.member(name, relay, patient)));
  await Promise.all([ada.ok(["contact", "add", "bob", bob.id]), bob.ok(["contact", "add", "ada", ada.id])]);
  for (const person of [ada, bob]) {
    installQight(person);
    person.file("words", "correct horse\n");
  }
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const hasJq = new Deno.Command("sh", { args: ["-c", "command -v jq"], stdout: "null" }).outputSync().success;

const runs: Record<string, (sh: string[]) => Promise<void>> = {
  async "Say something"([block]) {
    assert.match(await runBlock(ada, block), /^[0-9a-f]{32}\n$/);
  },
  async "Read it"([block, json]) {
    assert.match(await runBlock(bob, block), /ada {2}see you at eight$/m);
    await ada.ok(["send", "bob", "in JSON"]);
    assert.equal(await runBlock(bob, json), `${ada.id}\tada\tin JSON\n`);
  },
  async "Send without state"([block]) {
    await runBlock(ada, block);
    assert.equal(JSON.parse(await bob.ok(["fetch", "--json"])).via, "sealed");
  },
  async "Did it arrive"([block]) {
    await ada.ok(["send", "bob", "arrived?"]);
    assert.equal(await runBlock(ada, block), "accepted\n");
    await bob.ok(["fetch"]);
    await ada.ok(["fetch"]);
    assert.equal(await runBlock(ada, block), "delivered\n");
  },
  async "What was said"([block]) {
    const lines = (await runBlock(ada, block)).trimEnd().split("\n");
    assert.match(lines[0], /you {2}see you at eight/);
    assert.match(lines.at(-1)!, /bob {2}you {2}see you at eight/);
  },
  async "Notes to yourself"([block]) {
    assert.match(await runBlock(ada, block), /you {2}buy milk\n$/);
  },
  async "A record that shows whether somebody changed it"([record, show]) {
    assert.match(await runBlock(ada, record), /lines in bob\.transcript\nwhole: \d+ lines of qid1/);
    assert.match(await runBlock(ada, show), /Z {2}you {2}see you at eight$/m);
  },
};

Deno.test("every section of the guide with something to type is run here, and none that it no longer has", () => {
  assert.deepEqual([...blocks.keys()], Object.keys(runs));
});

for (const [name, run] of Object.entries(runs)) {
  const title = `the guide's blocks work as they stand: ${name}`;
  if (!hasJq) Deno.test({ name: `${title} (needs jq)`, ignore: true, fn() {} });
  else row(title, () => run(blocks.get(name)!));
}
