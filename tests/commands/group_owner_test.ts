/** Whose a group is, from one to the next: handed over, and after an account that ended. @module */
import assert from "node:assert/strict";
import { cast, row } from "./harness.ts";
import { assertFails } from "./named_people.ts";

const { ada, bob, cat } = await cast("ada", "bob", "cat");

row("a group is handed over, and when its owner deletes the account the first admin leads it", async () => {
  const people = { ada, bob, cat };
  for (const person of [ada, bob, cat]) {
    for (const [name, { id }] of Object.entries(people)) {
      if (id !== person.id) await person.ok(["contact", "add", name, id]);
    }
  }
  const shown = async (person: typeof ada) => JSON.parse(await person.ok(["group", "show", "ops", "--json"]));
  await ada.ok(["group", "create", "ops", "bob", "cat"]);
  for (const person of [bob, cat]) await person.ok(["fetch"]);
  assertFails(await ada.run(["group", "admin", "ops", "bob", "cat", "--owner", "--json"]), 64, "usage");
  assertFails(await ada.run(["group", "admin", "ops", "bob", "--owner", "--off", "--json"]), 64, "usage");
  assertFails(await bob.run(["group", "admin", "ops", bob.id, "--owner", "--json"]), 77, "not_allowed");
  assert.match(await ada.ok(["group", "admin", "ops", "bob", "--owner"]), /#ops {2}3 members {2}admin/);
  const heard = await cat.run(["fetch"]);
  assert.match(heard.stdout + heard.stderr, /#ops: ada made bob the owner/);
  assert.equal((await shown(cat)).owner, bob.id);
  assertFails(await ada.run(["group", "remove", "ops", "bob", "--json"]), 77, "not_allowed");
  await bob.ok(["account", "delete", "-y"]);
  // Nobody told ada: the change asks, takes bob's leaf away and names cat, all at once.
  await ada.ok(["group", "admin", "ops", "cat"]);
  assert.equal((await shown(ada)).owner, ada.id);
  const told = await cat.run(["fetch"]);
  assert.match(told.stdout + told.stderr, /#ops: bob deleted the account/);
  assert.match(told.stdout + told.stderr, /#ops: ada is the owner now/);
  assert.deepEqual((await shown(cat)).members, 2);
  assertFails(await cat.run(["group", "remove", "ops", "ada", "--json"]), 77, "not_allowed");
  const kept = await cat.ok(["history", "--in", "#ops"]);
  assert.match(kept, /ada made bob the owner[^]*bob deleted the account[^]*ada is the owner now/);
});
