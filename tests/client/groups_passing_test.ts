/** A device that comes into a conversation and goes again while somebody is away. @module */
import assert from "node:assert/strict";
import { refreshBundles } from "../../client/groups/authentication.ts";
import { claimDevices } from "../../client/groups/claim.ts";
import { signAccountEnd } from "../../crypto/account_end.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { RecoveryService } from "../../proto/gen/qight/v1/recovery_pb.ts";
import { gather } from "./gathering.ts";
import { assertOneView, devicesIn, GroupPerson } from "./group_people.ts";
import { commitAsIs, stateOf } from "./poisons.ts";
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

Deno.test("regression: who revokes a device that another own device let in meanwhile takes it out of the groups at once", async () => {
  await using here = await gather(GroupPerson, { ana: 1, pad: { seed: 1, device: 4 }, bo: 2 });
  const { relay, ana, pad, bo } = here;
  await ana.restart();
  const { group } = await ana.groups.create("ops", [bo.account]);
  assert.deepEqual(await ana.groups.bringInOwnDevices(), []);
  for (const one of [ana, pad, bo]) await one.read();
  await using phone = await GroupPerson.join(relay, 1, { device: 3 });
  await ana.restart();
  assert.deepEqual(await ana.groups.bringInOwnDevices(), []);
  await pad.revoke(phone);
  assert.deepEqual(await pad.groups.removeGoneDevices(), []);
  assert.deepEqual(await pad.events(), [], "nothing is refused");
  assert.deepEqual(await devicesIn(pad, group, [ana, pad, bo, phone]), [0, 1, 2]);
  for (const one of [ana, bo]) assert.deepEqual(await one.happened(), []);
  await assertOneView(group, [ana, pad, bo]);
});

Deno.test("a device that is let in after it went off its account's list is refused, though it was on it before", async () => {
  await using here = await gather(GroupPerson, { ana: 1, phone: { seed: 1, device: 3 }, bo: 2, eve: 5 });
  const { ana, phone, bo, eve } = here;
  await ana.restart();
  const { group } = await ana.groups.create("ops", [bo.account, eve.account]);
  for (const one of [ana, phone, bo, eve]) await one.read();
  await refreshBundles(bo.room, [ana.account]);
  const [{ keyPackage }] = await claimDevices(eve.room, ana.account, 83, [phone.device]);
  await ana.revoke(phone);
  assert.deepEqual(await ana.groups.removeGoneDevices(), []);
  for (const one of [bo, eve]) await one.read();
  await refreshBundles(bo.room, [ana.account]);
  const state = await stateOf(eve, group);
  const made = await commit(state, { add: [keyPackage], nowMs: Date.now() });
  const { roster } = await eve.calls.getGroup(group);
  await commitAsIs(eve, group, { commit: made.commit, groupInfo: made.groupInfo, roster });
  assert.ok((await bo.happened()).includes("refused_commit"));
});

Deno.test("regression: who was away while a device was linked and its account ended goes on with the group", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 4 });
  const { relay, ana, bo, cy } = here;
  const { group } = await ana.groups.create("ops", [bo.account, cy.account]);
  for (const one of [ana, bo, cy]) await one.read();
  await using phone = await GroupPerson.join(relay, 2, { device: 3 });
  await bo.restart();
  assert.deepEqual(await bo.groups.bringInOwnDevices(), []);
  await phone.read();
  const { bytes } = await signAccountEnd(bo.identity.account, Date.now());
  await bo.relay.rpc.unary(RecoveryService.method.deleteAccount, { end: bytes });
  assert.deepEqual(await cy.happened(), ["account_ended"]);
  assert.deepEqual(await ana.happened(), ["account_ended"]);
  assert.deepEqual(await devicesIn(ana, group, [ana, cy, bo, phone]), [0, 1]);
  await assertOneView(group, [ana, cy]);
});
