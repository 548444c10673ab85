/** What one device of an account says reaches its others, and what they do with it. @module */
import assert from "node:assert/strict";
import { row, World } from "./harness.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

row("what another own device says is shown as one's own, noted as such, and runs no command of --exec", async () => {
  const relay = await world.relay();
  const ana = await world.member("ana", relay);
  const bot = await world.member("bot", relay);
  const phone = world.person("phone", { QIGHT_RELAY: relay.address });
  const waiting = phone.start(["device", "link", "--no-passphrase", "--json"]);
  const { code } = JSON.parse((await waiting.line())!);
  assert.equal((await bot.run(["device", "link", "-", "-y"], { stdin: code })).code, 0);
  assert.equal(await waiting.ended, 0, waiting.stderr());
  await phone.ok(["fetch"]);
  await bot.ok(["contact", "add", "ana", ana.id]);
  await phone.ok(["send", ana.id, "from the phone"]);
  assert.match(await bot.ok(["fetch", "--peek"]), /^\d\d:\d\d {2}you to ana {2}from the phone$/m);
  await ana.ok(["send", bot.id, "from ana"]);
  await phone.ok(["send", bot.id, "a note"]);
  const ran = await bot.run(["fetch", "--exec", "--", "cat"]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(ran.stdout.match(/from the phone|from ana|a note/g)?.sort(), ["a note", "from ana"]);
  assert.equal((await bot.run(["fetch", "--fail-empty"])).code, 66, "it was taken all the same");
  await phone.ok(["fetch"]);
  for (const one of [phone, bot]) {
    assert.match(await one.ok(["history", "--in", ana.id]), /you {2}from the phone\n[^]*ana {2}from ana/);
  }
});
