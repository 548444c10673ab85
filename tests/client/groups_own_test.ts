/** What an account with several devices has for itself: their conversation, the way back in, and what goes with it. @module */
import assert from "node:assert/strict";
import { directGroupId } from "../../crypto/direct_group.ts";
import { systemRandom } from "../../client/clock.ts";
import { openOwn } from "../../client/groups/own.ts";
import { leaveFormer } from "../../client/groups/former.ts";
import { keepSeats } from "../../client/groups/kept_seats.ts";
import { QightError } from "../../proto/errors.ts";
import { gather } from "./gathering.ts";
import { assertOneView, conversationsOf, devicesIn, GroupPerson, RELAY_NAME } from "./group_people.ts";
import { Talker } from "./talker.ts";

Deno.test("the own devices have a conversation that either begins, also both at once; with one device there is none", async () => {
  await using here = await gather(Talker, { bo: 2 });
  const { relay, bo } = here;
  await assert.rejects(openOwn(bo.person.room), { code: "no_key_package" });
  await using phone = await Talker.join(relay, 2, { device: 3 });
  await bo.person.connect();
  const [one, other] = await Promise.all([openOwn(bo.person.room), openOwn(phone.person.room)]);
  assert.deepEqual(one, directGroupId(bo.account, bo.account));
  assert.deepEqual(other, one);
  await bo.person.read();
  await phone.person.read();
  await assertOneView(one, [bo.person, phone.person]);
  bo.renew();
  assert.equal((await bo.say(bo, "milk")).via, "mls");
  const [note] = await phone.hear();
  assert.ok(note.type === "message" && note.in.kind === "direct");
  assert.deepEqual(note.in.peer, bo.account, "a note to oneself");
  assert.deepEqual(await bo.texts(), [], "it is here already");
  await using cy = await GroupPerson.join(relay, 4);
  await assert.rejects(cy.calls.getGroup(one), { code: "not_a_member" });
});

Deno.test("a conversation of the own devices that was begun and not completed is completed the next time", async () => {
  await using here = await gather(GroupPerson, { bo: 2, phone: { seed: 2, device: 3 } });
  const { bo, phone } = here;
  await bo.connect();
  const { rpc } = bo.relay;
  const unary = rpc.unary.bind(rpc);
  rpc.unary = (method, request, options) => {
    if (method.name !== "Commit") return unary(method, request, options);
    throw new QightError("unreachable", "The relay went away");
  };
  await assert.rejects(openOwn(bo.room), { code: "unreachable" });
  await bo.restart();
  const group = await openOwn(bo.room);
  await phone.read();
  assert.deepEqual(await devicesIn(bo, group, [bo, phone]), [0, 1]);
  await assertOneView(group, [bo, phone]);
});

Deno.test("a device that cannot be added is no conversation of the own devices, and nothing is left of the try", async () => {
  await using here = await gather(GroupPerson, { bo: 2, phone: { seed: 2, device: 3, packages: null } });
  const { bo } = here;
  await bo.connect();
  await assert.rejects(openOwn(bo.room), { code: "no_key_package" });
  assert.equal(await bo.groups.row(directGroupId(bo.account, bo.account)), null);
});

Deno.test("a recovered device comes into its conversations by itself, and others see one who was there all the time", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  const { group, direct } = await conversationsOf(ana, bo);
  await using anew = await GroupPerson.join(relay, 2, { device: 3 });
  const strange = new Uint8Array(32).fill(9);
  assert.deepEqual(await anew.groups.rejoinAll([group, direct, strange]), { joined: 2, later: 0, over: 1 });
  assert.deepEqual((await anew.events()).map(({ happened }) => happened.kind), ["joined"]);
  assert.deepEqual(await ana.happened(), []);
  for (const one of [group, direct]) await assertOneView(one, [ana, anew]);
  await anew.revoke(bo);
  assert.deepEqual(await anew.groups.removeGoneDevices(), []);
  assert.deepEqual(await ana.happened(), []);
  for (const one of [group, direct]) {
    assert.deepEqual(await devicesIn(ana, one, [ana, bo, anew]), [0, 2]);
    await assertOneView(one, [ana, anew]);
  }
});

Deno.test("a group that cannot be joined now is joined when the mailbox is drained later", async () => {
  await using here = await gather(GroupPerson, { ana: 1, lost: { seed: 1, device: 7 } });
  const { relay, ana, lost } = here;
  await ana.connect();
  await using bo = await GroupPerson.join(relay, 2);
  const { group } = await ana.groups.create("ops", [bo.account]);
  await ana.events();
  for (const one of [bo, lost]) await one.read();
  await using anew = await GroupPerson.join(relay, 2, { device: 3 });
  await ana.revoke(lost);
  assert.deepEqual(await anew.groups.rejoinAll([group]), { joined: 0, later: 1, over: 0 }, "a leaf nobody lists");
  await ana.read();
  await anew.read();
  await ana.read();
  await assertOneView(group, [ana, anew]);
});

Deno.test("an account whose devices were all replaced keeps its seat: who removed the last leaf brings the new device in", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  const { group } = await ana.groups.create("ops", [bo.account]);
  await ana.events();
  await bo.read();
  await using anew = await GroupPerson.join(relay, 2, { device: 3, packages: null });
  await anew.revoke(bo);
  assert.deepEqual(await anew.groups.rejoinAll([group]), { joined: 0, later: 0, over: 1 }, "no seat at the relay");
  assert.deepEqual(await ana.happened(), ["member_removed"]);
  assert.equal((await ana.groups.show(group)).members.length, 1);
  await anew.publishPackages(2);
  assert.deepEqual(await ana.happened(), ["member_added"]);
  assert.deepEqual(await anew.happened(), ["joined"]);
  await assertOneView(group, [ana, anew]);
});

Deno.test("an account whose devices were all replaced by one that can be added goes on in the same commit, without a word", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  const { group } = await ana.groups.create("ops", [bo.account]);
  await ana.events();
  await bo.read();
  await using anew = await GroupPerson.join(relay, 2, { device: 3 });
  await anew.revoke(bo);
  assert.deepEqual(await ana.happened(), [], "bo was there all the time");
  await anew.read();
  assert.deepEqual(await devicesIn(ana, group, [ana, bo, anew]), [0, 2]);
  await assertOneView(group, [ana, anew]);
});

Deno.test("when one device of an account leaves a group, the others leave it too", async () => {
  await using here = await gather(Talker, { ana: 1, bo: 2, phone: { seed: 2, device: 3 } });
  const { ana, bo, phone } = here;
  const { group } = await ana.person.groups.create("ops", [bo.account]);
  for (const one of [bo, phone]) await one.texts();
  await phone.leave(group);
  await bo.hear();
  await ana.hear();
  assert.equal((await bo.person.groups.row(group))?.status, "left");
  assert.equal((await ana.person.groups.show(group)).members.length, 1);
});

Deno.test("a device that moved to another account has no conversations and no KeyPackages of the former one", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const { group, direct } = await conversationsOf(ana, bo);
  await bo.store.write((tables) => leaveFormer(tables, systemRandom));
  assert.equal((await bo.groups.row(group))?.status, "left");
  assert.equal(await bo.groups.row(direct), null);
  assert.equal(await bo.view(group), null);
  assert.deepEqual(await bo.store.read(({ keyPackages }) => keyPackages.all()), []);
  await assert.rejects(bo.groups.find("#ops"), { code: "not_a_member" });
  assert.deepEqual(await bo.store.read(({ groups }) => groups.parts(RELAY_NAME, group)), null);
});

Deno.test("regression: whoever came back and was removed again is not brought back by a member who was away", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 4 });
  const { ana, bo, cy } = here;
  const { group } = await ana.groups.create("ops", [bo.account, cy.account]);
  for (const one of [ana, bo, cy]) await one.read();
  // Cy saw that bo's last leaf has to go, and was cut off before the change.
  await keepSeats(cy.room, group, [bo.account]);
  await ana.groups.remove(group, [bo.account]);
  await ana.groups.invite(group, [bo.account]);
  await ana.groups.remove(group, [bo.account]);
  await cy.read();
  assert.deepEqual((await cy.groups.show(group)).members.length, 2);
});

Deno.test("regression: a revoked device that is let in again is in its groups without being asked, as the account is", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, phone: { seed: 2, device: 3 } });
  const { ana, bo, phone } = here;
  await bo.restart();
  const { group } = await ana.groups.create("ops", [bo.account]);
  for (const one of [ana, bo, phone]) await one.read();
  await bo.revoke(phone);
  assert.deepEqual(await bo.groups.removeGoneDevices(), []);
  await phone.store.write((tables) => leaveFormer(tables, systemRandom));
  const { devices } = (await bo.directory.latest(bo.account))!;
  await bo.publishList([...devices, { key: phone.device, name: "found again", addedAtMs: Date.now() }]);
  await phone.restart();
  await phone.publishPackages(2);
  assert.deepEqual(await bo.groups.bringInOwnDevices(), []);
  await phone.read();
  assert.equal((await phone.groups.row(group))?.status, "active");
});

Deno.test("regression: a new device comes into all conversations of its account, also those with somebody who is blocked", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  const { group } = await ana.groups.create("ops", [bo.account]);
  await ana.events();
  const direct = await ana.groups.direct(bo.account);
  await bo.read();
  await using phone = await GroupPerson.join(relay, 2, { device: 3 });
  await phone.contacts.add("ana", ana.account);
  await phone.contacts.block("ana", true);
  assert.deepEqual(await bo.groups.bringInOwnDevices(), []);
  await phone.read();
  for (const one of [group, direct]) await assertOneView(one, [bo, phone]);
});

Deno.test("regression: a blocked person who lets a new device into their conversation leaves nothing on it, and the device is in", async () => {
  await using here = await gather(Talker, { ana: 1, bo: 2 });
  const { relay, ana, bo } = here;
  const { group } = await ana.say(bo, "before");
  await bo.texts();
  await using phone = await Talker.join(relay, 2, { device: 3 });
  await phone.person.contacts.add("ana", ana.account);
  await phone.person.contacts.block("ana", true);
  await ana.person.restart();
  assert.equal((await ana.say(bo, "to all of you")).via, "mls");
  assert.deepEqual(await phone.hear(), []);
  await bo.texts();
  await assertOneView(group!, [bo.person, phone.person]);
});
