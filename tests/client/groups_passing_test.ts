/** A device that comes into a conversation and goes again while somebody is away. @module */
import assert from "node:assert/strict";
import { refreshBundles } from "../../client/groups/authentication.ts";
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

Deno.test("regression: what a device said that began a conversation, and was revoked before anybody read it, is read", async () => {
  await using here = await gather(Talker, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  await using phone = await Talker.join(relay, 2, { device: 3 });
  await bo.person.restart();
  await phone.say(ana, "from my phone");
  assert.deepEqual(await bo.texts(), ["from my phone"]);
  await bo.person.revoke(phone.person);
  assert.deepEqual(await bo.person.groups.removeGoneDevices(), []);
  // She has seen the new list before she reads.
  await refreshBundles(ana.person.room, [bo.account]);
  assert.deepEqual(await ana.texts(), ["from my phone"]);
  await ana.say(bo, "who was that?");
  assert.deepEqual(await bo.texts(), ["who was that?"]);
});

Deno.test("a conversation with a device in it that is off its account's list, and stays in it, is none to come into", async () => {
  await using here = await gather(Talker, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  await using phone = await Talker.join(relay, 2, { device: 3 });
  await bo.person.restart();
  const { group } = await phone.say(ana, "from my phone");
  await bo.person.revoke(phone.person);
  await refreshBundles(ana.person.room, [bo.account]);
  assert.deepEqual((await ana.hear()).map(({ type }) => type), ["unreadable"]);
  assert.equal(await ana.person.view(group!), null);
});
