/** A device that comes into a conversation and goes again while somebody is away. @module */
import assert from "node:assert/strict";
import { gather } from "./gathering.ts";
import { assertOneView, GroupPerson } from "./group_people.ts";
import { Talker } from "./talker.ts";

Deno.test("regression: who was away while a device was linked and revoked reads all that was said meanwhile", async () => {
  await using here = await gather(Talker, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  const { group } = await ana.person.groups.create("ops", [bo.account]);
  await ana.person.events();
  await bo.texts();
  await using phone = await GroupPerson.join(relay, 1, { device: 3 });
  assert.deepEqual(await ana.person.groups.bringInOwnDevices(), []);
  await phone.read();
  await ana.say(group, "with the phone");
  await ana.person.revoke(phone);
  assert.deepEqual(await ana.person.groups.removeGoneDevices(), []);
  await ana.say(group, "without it");
  assert.deepEqual(await bo.texts(), ["with the phone", "without it"]);
  await assertOneView(group, [ana.person, bo.person]);
});
