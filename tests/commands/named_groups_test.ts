/** Names of the relay where members of groups are meant: found as `send NAME` finds them, pinned once, and never again. @module */
import assert from "node:assert/strict";
import { row } from "./harness.ts";
import { assertFails, namedWorld } from "./named_people.ts";

const { registered } = await namedWorld();
const [ada, ben, cleo, dan] = await Promise.all(
  ["adelaide", "benedict", "cleophea", "danilo"].map((name) => registered(name)),
);

const contacts = async (person: typeof ada): Promise<string[]> => {
  const list = await person.ok(["contact", "list", "--json"]);
  return list === "" ? [] : list.split("\n").map((line) => JSON.parse(line).name);
};

row(
  "group create, invite, admin and remove take a name of the relay, keep a contact, and say so on one line",
  async () => {
    const made = await ada.run(["group", "create", "ops", "Benedict", "cleophea"]);
    assert.equal(made.code, 0, made.stderr);
    assert.equal(
      made.stderr,
      `Benedict is ${ben.id}, says the relay: a contact now, not verified\n` +
        `cleophea is ${cleo.id}, says the relay: a contact now, not verified\n`,
    );
    await ben.ok(["fetch"]);
    const invited = await ben.run(["group", "invite", "ops", "danilo"]);
    assert.deepEqual([invited.code, invited.stderr], [
      0,
      `danilo is ${dan.id}, says the relay: a contact now, not verified\n`,
    ]);
    await ada.ok(["fetch"]);
    // Whom somebody else let in has no name here yet.
    const admin = await ada.run(["group", "admin", "ops", "danilo"]);
    assert.deepEqual([admin.code, admin.stderr], [
      0,
      `danilo is ${dan.id}, says the relay: a contact now, not verified\n`,
    ]);
    await dan.ok(["fetch"]);
    const removed = await dan.run(["group", "remove", "ops", "cleophea"]);
    assert.deepEqual([removed.code, removed.stdout], [0, "#ops  3 members  admin\n"]);
    assert.match(removed.stderr, new RegExp(`^cleophea is ${cleo.id}, says the relay`));
    assert.match(await ada.ok(["group", "members", "ops"]), /^you .*owner\n[^]*danilo {2}qid1\S+ {2}admin/);
  },
);

row("a name that nobody has makes no group and no contact, and what can be no name asks nobody", async () => {
  const before = await contacts(cleo);
  assertFails(await cleo.run(["group", "create", "none", "nobodyknows", "--json"]), 67, "no_such_contact");
  assertFails(await cleo.run(["group", "create", "none", "danilo", "two words", "--json"]), 64, "bad_id");
  assert.deepEqual(await contacts(cleo), before);
  assert.equal(await cleo.ok(["group", "list"]), "");
});

row("attack: a name that the relay gives to somebody else later is not invited: key_changed", async () => {
  await dan.ok(["contact", "add", "ernestine", ada.id]);
  await registered("ernestine");
  const made = await dan.run(["group", "create", "pinned", "ernestine"]);
  assert.deepEqual([made.code, made.stderr], [0, ""], "a pin is asked of nobody");
  const { people } = JSON.parse(await dan.ok(["group", "show", "pinned", "--json"]));
  assert.ok(people.some(({ id }: { id: string }) => id === ada.id));
  assertFails(await dan.run(["contact", "add", "ernestine", "--json"]), 77, "key_changed");
  assertFails(await dan.run(["group", "create", "again", "ernestine", "--json"]), 77, "key_changed");
});

row(
  "a chat finds them too: /create-group, /invite, /remove, /dm and --with; @NAME alone writes to nobody new",
  async () => {
    const felix = await registered("felicitas");
    const typed = [
      "/create-group team adelaide",
      "/invite benedict",
      "/remove benedict",
      "team",
      "/dm danilo",
      "@cleophea hello",
    ];
    const { stdout, stderr } = await felix.run(["repl"], { stdin: typed.map((line) => `${line}\n`).join("") });
    assert.match(
      stderr,
      new RegExp(`^adelaide is ${ada.id}, says the relay: a contact now, not verified$`, "m"),
      stdout,
    );
    assert.match(stderr, /^#team is made, with 2 members$/m);
    assert.match(stderr, new RegExp(`^benedict is ${ben.id}, says the relay`, "m"));
    assert.match(stderr, /^benedict added to #team$/m);
    assert.match(stderr, /^benedict removed from #team$/m);
    assert.match(stderr, new RegExp(`^danilo is ${dan.id}, says the relay`, "m"));
    assert.match(stderr, /There is no contact "cleophea"/);
    assert.deepEqual(await contacts(felix), ["adelaide", "benedict", "danilo"]);
    const opened = await felix.run(["repl", "--with", "cleophea"], { stdin: "hello\n" });
    assert.deepEqual([opened.code, opened.stderr], [
      0,
      `cleophea is ${cleo.id}, says the relay: a contact now, not verified\n`,
    ]);
    assert.match(await cleo.ok(["fetch"]), / {2}hello$/m);
  },
);

row("a chat without a relay says at once that there is no such contact", async () => {
  const lone = await registered("leopoldine");
  const { code, stderr } = await lone.run(["repl", "--relay", "qight://127.0.0.1:1"], { stdin: "/dm danilo\n" });
  assert.equal(code, 67, stderr);
  assert.match(stderr, /There is no contact "danilo"/);
});
