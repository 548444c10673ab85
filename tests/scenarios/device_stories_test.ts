/** Stories of devices that a random life of accounts has found, by the commands. @module */
import assert from "node:assert/strict";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { link, Street, texts } from "./street.ts";

Deno.test("regression: a device that revokes another one before its first fetch has all that waits for it", async () => {
  await using street = await Street.open();
  const [{ machine: first, id }, { machine: bob, id: bobId }] = [
    await street.member("first"),
    await street.member("bob"),
  ];
  await bob.ok(["fetch"]);
  await first.ok(["contact", "add", "bob", bobId]);
  await first.ok(["group", "create", "team", bobId]);
  await bob.ok(["fetch"]);
  const [second, third] = [street.machine("second"), street.machine("third")];
  await link(first, second);
  await second.ok(["fetch"]);
  assert.equal((await link(second, third)).fresh.error, null);
  await bob.ok(["send", "#team", "before"]);
  await third.ok(["device", "revoke", (await openKeyFile(first.keyFile, null)).fingerprint, "-y"]);
  await bob.ok(["send", id, "after"]);
  const { error, stdout, stderr } = await third.run(["fetch", "--json"]);
  assert.equal(error, null);
  assert.deepEqual(stdout.map((line) => JSON.parse(line).text).sort(), ["after", "before"]);
  assert.doesNotMatch(stderr, /unreadable/);
  assert.match((await third.ok(["contact", "list"])).join("\n"), /^bob /);
  assert.deepEqual((await texts(second)).sort(), ["after", "before"]);
});
