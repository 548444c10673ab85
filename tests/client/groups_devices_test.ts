/** Conversations when devices of their accounts come and go, over a real relay. @module */
import assert from "node:assert/strict";
import { signAccountEnd } from "../../crypto/account_end.ts";
import { directGroupId } from "../../crypto/direct_group.ts";
import { openMessage, sealMessage } from "../../crypto/mls/message.ts";
import { QightError } from "../../proto/errors.ts";
import { RecoveryService } from "../../proto/gen/qight/v1/recovery_pb.ts";
import { gather } from "./gathering.ts";
import { assertOneView, conversationsOf, devicesIn, GroupPerson, groupRelay, ShiftedClock } from "./group_people.ts";
import { commitAsIs, removing, stateOf } from "./poisons.ts";
import { Talker } from "./talker.ts";

Deno.test("a device that was let in gets into all conversations of the one that did it, with progress, and once", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  const { group, direct } = await conversationsOf(ana, bo);
  await using phone = await GroupPerson.join(relay, 2, { device: 3 });
  const steps: string[] = [];
  assert.deepEqual(await bo.groups.bringInOwnDevices((done, of) => steps.push(`${done}/${of}`)), []);
  assert.deepEqual(steps, ["0/3", "1/3", "2/3", "3/3"]);
  await phone.read();
  await ana.read();
  for (const one of [group, direct]) await assertOneView(one, [ana, bo, phone]);
  await assertOneView(directGroupId(bo.account, bo.account), [bo, phone]);
  const { epoch } = (await bo.groups.row(group))!;
  assert.deepEqual(await bo.groups.bringInOwnDevices(), []);
  assert.equal((await bo.groups.row(group))!.epoch, epoch, "whoever is in stays");
});

Deno.test("nobody has to call anybody: a notice lets the own devices, and the other side of a direct conversation, let it in", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  const { group, direct } = await conversationsOf(ana, bo);
  await using phone = await GroupPerson.join(relay, 2, { device: 3 });
  await ana.read();
  assert.deepEqual(
    await devicesIn(ana, direct, [ana, bo, phone]),
    [0, 1, 2],
    "either side of a direct conversation may",
  );
  assert.deepEqual(await devicesIn(ana, group, [ana, bo, phone]), [0, 1], "in a group an own device does it");
  await bo.read();
  await phone.read();
  await ana.read();
  for (const one of [group, direct]) await assertOneView(one, [ana, bo, phone]);
});

Deno.test("a revoked device's leaf is removed by a plain member, and what it kept reads nothing more", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 4 });
  const { relay, ana, bo, cy } = here;
  const { group } = await ana.groups.create("ops", [bo.account, cy.account]);
  await ana.events();
  await bo.read();
  await using lost = await GroupPerson.join(relay, 2, { device: 3 });
  assert.deepEqual(await bo.groups.bringInOwnDevices(), []);
  for (const one of [lost, ana, cy]) await one.read();
  await assertOneView(group, [ana, bo, cy, lost]);
  const kept = await stateOf(lost, group);
  await bo.revoke(lost);
  await cy.read();
  assert.deepEqual(await devicesIn(cy, group, [ana, bo, cy, lost]), [0, 1, 2]);
  for (const one of [ana, bo]) assert.deepEqual(await one.happened(), [], "people are the same as before");
  await assertOneView(group, [ana, bo, cy]);
  assert.equal((await ana.groups.show(group)).members.length, 3);
  const { message } = await sealMessage(await stateOf(ana, group), new TextEncoder().encode("after"));
  await assert.rejects(openMessage(kept, message), { code: "bad_group_message" });
  await assert.rejects(lost.calls.getGroup(group), (thrown) => thrown instanceof QightError);
});

Deno.test("a plain member who removes a device that its account lists is refused, and it is undone", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, phone: { seed: 2, device: 3 }, cy: 4 });
  const { ana, bo, phone, cy } = here;
  const { group } = await ana.groups.create("ops", [bo.account, cy.account]);
  await ana.events();
  for (const one of [bo, phone, cy]) await one.read();
  await commitAsIs(cy, group, await removing(phone.device)(cy, group));
  assert.equal((await ana.happened())[0], "refused_commit", "the owner's word is enough");
  await bo.read();
  await phone.read();
  assert.deepEqual(await devicesIn(bo, group, [ana, bo, phone]), [0, 1, 2]);
  await assertOneView(group, [ana, bo, phone]);
});

Deno.test("eight members hear of a revocation at once: one of them commits, nobody is told anything, all see the same", async () => {
  await using relay = await groupRelay();
  await using stack = new AsyncDisposableStack();
  const people: GroupPerson[] = [];
  for (let n = 1; n <= 8; n++) people.push(stack.use(await GroupPerson.join(relay, n)));
  await using lost = await GroupPerson.join(relay, 8, { device: 50 });
  const { group } = await people[0].groups.create("ops", people.slice(1).map(({ account }) => account));
  for (const one of [...people, lost]) await one.read();
  const { epoch } = (await people[7].groups.row(group))!;
  await people[7].revoke(lost);
  const heard = await Promise.all(people.map((one) => one.happened()));
  assert.deepEqual(heard.flat(), []);
  for (const one of people) await one.read();
  await assertOneView(group, people);
  assert.equal((await people[0].groups.row(group))!.epoch, epoch + 1, "a lost race is no second commit");
});

Deno.test("regression: who comes late takes in the removal of a device that its account lists again since", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, phone: { seed: 2, device: 3 }, cy: 4, dan: 5 });
  const { ana, bo, phone, cy, dan } = here;
  const { group } = await ana.groups.create("ops", [bo.account, cy.account, dan.account]);
  for (const one of [bo, phone, cy, dan]) await one.read();
  await bo.revoke(phone);
  await cy.read();
  const newest = (await bo.directory.latest(bo.account))!;
  const again = { key: phone.device, name: "found again", addedAtMs: Date.now() };
  await bo.publishList([...newest.devices, again]);
  await phone.restart();
  await phone.publishPackages(2);
  assert.deepEqual(await bo.groups.bringInOwnDevices(), []);
  assert.deepEqual(await dan.happened(), [], "nothing is refused");
  await phone.read();
  await ana.read();
  await cy.read();
  await assertOneView(group, [ana, bo, cy, dan, phone]);
});

Deno.test("the leaves of a deleted account go, and everybody reads who deleted it, and who the owner is now", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 4 });
  const { ana, bo, cy } = here;
  const { group } = await ana.groups.create("ops", [bo.account, cy.account]);
  await ana.events();
  for (const one of [bo, cy]) await one.read();
  const { bytes } = await signAccountEnd(ana.identity.account, Date.now());
  await ana.relay.rpc.unary(RecoveryService.method.deleteAccount, { end: bytes });
  assert.deepEqual(await bo.happened(), ["account_ended", "owner"]);
  assert.deepEqual(await cy.happened(), ["account_ended", "owner"]);
  await assertOneView(group, [bo, cy]);
  assert.equal((await cy.groups.show(group)).members.length, 2);
  await bo.groups.rename(group, "after");
});

Deno.test("what is said to a person reaches a device that came later: it is let in, and the message is not sealed", async () => {
  await using here = await gather(Talker, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  await ana.say(bo, "one");
  await bo.texts();
  await using phone = await Talker.join(relay, 2, { device: 3 });
  const { via, sealedBecause } = await ana.say(bo, "two");
  assert.deepEqual([via, sealedBecause], ["mls", undefined]);
  assert.deepEqual(await phone.texts(), ["two"]);
  assert.deepEqual(await bo.texts(), ["two"]);
});

Deno.test("a device that cannot be added yet gets it sealed, with all others, and nobody asks again at once", async () => {
  const clock = new ShiftedClock();
  await using relay = await groupRelay({ now: clock.now });
  await using ana = await Talker.join(relay, 1, { clock });
  await using bo = await Talker.join(relay, 2, { clock });
  await ana.say(bo, "one");
  await bo.texts();
  await using phone = await Talker.join(relay, 2, { device: 3, packages: null, clock });
  assert.deepEqual([(await ana.say(bo, "two")).via, (await ana.say(bo, "three")).via], ["sealed", "sealed"]);
  assert.deepEqual(await phone.texts(), ["two", "three"]);
  await phone.person.publishPackages(1);
  assert.equal((await ana.say(bo, "four")).via, "sealed", "looked for a moment ago");
  clock.aheadMs = 11 * 60_000;
  assert.equal((await ana.say(bo, "five")).via, "mls");
  assert.deepEqual(await phone.texts(), ["four", "five"]);
});
