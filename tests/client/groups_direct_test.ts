/** Direct conversations and KeyPackages over a real relay. @module */
import assert from "node:assert/strict";
import { commit as makeCommit } from "../../crypto/mls/commit.ts";
import { ensureKeyPackages } from "../../client/groups/key_packages.ts";
import { directGroupId } from "../../crypto/direct_group.ts";
import { QightError } from "../../proto/errors.ts";
import { gather } from "./gathering.ts";
import { assertOneView, GroupPerson, groupRelay, RELAY_NAME, ShiftedClock } from "./group_people.ts";
import { Talker } from "./talker.ts";

Deno.test("a direct conversation begins with the first word, and is the same from both sides", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const group = await ana.groups.direct(bo.account);
  assert.deepEqual(group, directGroupId(bo.account, ana.account));
  assert.deepEqual(await bo.happened(), [], "nobody needs to be told");
  assert.deepEqual(await bo.groups.direct(ana.account), group);
  assert.deepEqual(await ana.groups.direct(bo.account), group);
  await assertOneView(group, [ana, bo]);
  assert.deepEqual(await ana.groups.list(), [], "it is no group");
  assert.deepEqual((await ana.groups.row(group))?.peer, bo.account);
});

Deno.test("two people who begin a conversation at once end up in one", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const [one, other] = await Promise.all([ana.groups.direct(bo.account), bo.groups.direct(ana.account)]);
  assert.deepEqual(one, other);
  await ana.read();
  await bo.read();
  await assertOneView(one, [ana, bo]);
  assert.equal((await ana.groups.show(one)).members.length, 2);
});

Deno.test("who lost everything between making a conversation and adding the other side goes on with it", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const { rpc } = ana.relay;
  const unary = rpc.unary.bind(rpc);
  rpc.unary = async (method, request, options) => {
    const reply = await unary(method, request, options);
    if (method.name !== "CreateGroup") return reply;
    throw new QightError("unreachable", "The relay broke off CreateGroup");
  };
  await assert.rejects(ana.groups.direct(bo.account), { code: "unreachable" });
  await ana.restart();
  const group = await ana.groups.direct(bo.account);
  await bo.read();
  await assertOneView(group, [ana, bo]);
});

Deno.test("without a KeyPackage there is no conversation, and nothing is left of the try", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: { seed: 2, packages: null } });
  const { ana, bo } = here;
  await assert.rejects(ana.groups.direct(bo.account), { code: "no_key_package" });
  await assert.rejects(ana.groups.create("ops", [bo.account]), { code: "no_key_package" });
  const nobody = new Uint8Array(32).fill(3);
  await assert.rejects(ana.groups.direct(nobody), { code: "no_such_recipient" });
  await assert.rejects(ana.groups.direct(ana.account), { code: "no_key_package" });
  assert.equal(await ana.groups.row(directGroupId(ana.account, nobody)), null);
  await ana.contacts.add("bo", bo.account);
  await ana.contacts.block("bo", true);
  await assert.rejects(ana.groups.direct(bo.account), { code: "blocked" });
});

Deno.test("the first command publishes a last resort and a few packages, the next one nothing", async () => {
  await using relay = await groupRelay();
  await using bo = await GroupPerson.join(relay, 2, { packages: 8 });
  assert.deepEqual(await bo.calls.countKeyPackages(83), { singleUse: 8, lastResort: true });
  const room = { relay: bo.relay, relayName: RELAY_NAME, store: bo.store, owner: bo.owner, clock: bo.clock };
  assert.equal(await ensureKeyPackages(room), 0);
  assert.equal(await ensureKeyPackages(room, { most: 100, lookNow: true }), 92, "in peace the stock is filled");
  assert.deepEqual(await bo.calls.countKeyPackages(83), { singleUse: 100, lastResort: true });
});

Deno.test("a package whose secret is on disk and which did not reach the relay is published later", async () => {
  await using relay = await groupRelay();
  await using bo = await GroupPerson.join(relay, 2, { packages: 1 });
  const unary = bo.relay.rpc.unary;
  bo.relay.rpc.unary =
    ((method, ...rest) =>
      method.name === "PublishKeyPackages"
        ? Promise.reject(new QightError("unreachable"))
        : unary.call(bo.relay.rpc, method, ...rest)) as typeof unary;
  await assert.rejects(bo.publishPackages(3), { code: "unreachable" });
  await bo.restart();
  assert.equal(await bo.publishPackages(0), 3);
  assert.deepEqual(await bo.calls.countKeyPackages(83), { singleUse: 4, lastResort: true });
});

Deno.test("when the single-use packages are gone the last resort lets people in, and is replaced", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: { seed: 2, packages: 1 } });
  const { ana, bo } = here;
  const first = await bo.store.read(({ keyPackages }) => keyPackages.lastResort(RELAY_NAME, 83));
  const groups: Uint8Array[] = [];
  for (const name of ["one", "two", "three"]) groups.push((await ana.groups.create(name, [bo.account])).group);
  await bo.read();
  assert.equal((await bo.groups.list()).length, 3);
  for (const group of groups) await assertOneView(group, [ana, bo]);
  await bo.publishPackages(0);
  const second = await bo.store.read(({ keyPackages }) => keyPackages.lastResort(RELAY_NAME, 83));
  assert.notDeepEqual(first!.ref, second!.ref);
  assert.deepEqual(await bo.calls.countKeyPackages(83), { singleUse: 0, lastResort: true });
});

Deno.test("a last resort is replaced at half its life, and what expired is erased", async () => {
  const clock = new ShiftedClock();
  await using relay = await groupRelay({ now: clock.now });
  await using bo = await GroupPerson.join(relay, 2, { packages: 1, clock });
  const first = await bo.store.read(({ keyPackages }) => keyPackages.lastResort(RELAY_NAME, 83));
  clock.aheadMs = 46 * 24 * 3600_000;
  await bo.connect();
  await bo.publishPackages(0);
  const second = await bo.store.read(({ keyPackages }) => keyPackages.lastResort(RELAY_NAME, 83));
  assert.notDeepEqual(first!.ref, second!.ref);
  assert.ok(await bo.store.read(({ keyPackages }) => keyPackages.get(first!.ref)), "somebody may have claimed it");
  clock.aheadMs = 91 * 24 * 3600_000;
  await bo.connect();
  await bo.publishPackages(0);
  assert.equal(await bo.store.read(({ keyPackages }) => keyPackages.get(first!.ref)), null);
});

Deno.test("a program that stays fills the stock up", async () => {
  await using relay = await groupRelay();
  await using bo = await GroupPerson.join(relay, 2, { packages: 8 });
  assert.deepEqual(await bo.groups.tend(), []);
  assert.equal((await bo.calls.countKeyPackages(83)).singleUse, 8);
  assert.deepEqual(await bo.groups.tend({ stays: true }), []);
  assert.equal((await bo.calls.countKeyPackages(83)).singleUse, 100);
});

Deno.test("after a Welcome the next command looks whether packages are left, and makes new ones", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: { seed: 2, packages: 8 } });
  const { ana, bo } = here;
  const room = { relay: bo.relay, relayName: RELAY_NAME, store: bo.store, owner: bo.owner, clock: bo.clock };
  await ana.groups.direct(bo.account);
  assert.equal(await ensureKeyPackages(room), 0, "nobody has told yet");
  await bo.read();
  assert.equal(await ensureKeyPackages(room), 8);
  assert.deepEqual(await bo.calls.countKeyPackages(83), { singleUse: 15, lastResort: true });
});

Deno.test("whose change of a direct conversation was taken back comes into it again", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const group = await ana.groups.direct(bo.account);
  await bo.read();
  const loaded = await bo.store.write((tables) => bo.groups.states.load(tables, RELAY_NAME, group));
  const { epoch, roster } = await bo.calls.getGroup(group);
  const { commit, groupInfo } = await makeCommit(loaded!.state, { nowMs: Date.now() });
  const garbage = commit.slice();
  garbage.fill(7, -40);
  await bo.calls.commit({ group, epoch, commit: garbage, groupInfo, roster, welcome: null, welcomed: [] });
  assert.deepEqual(await ana.happened(), ["refused_commit"]);
  assert.deepEqual(await bo.happened(), ["removed_me", "healed"]);
  assert.deepEqual(await bo.groups.direct(ana.account), group);
  await ana.read();
  await assertOneView(group, [ana, bo]);
  assert.equal((await ana.groups.show(group)).members.length, 2);
});

Deno.test("regression: what a blocked person said in a conversation that nobody came into leaves no trace, not even of its bytes", async () => {
  await using here = await gather(Talker, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  await bo.person.contacts.add("ana", ana.account);
  assert.equal((await ana.say(bo, "before the block")).via, "mls");
  await bo.person.contacts.block("ana", true);
  assert.deepEqual(await bo.hear(), []);
  assert.deepEqual(await bo.hear(), [], "it is gone from the mailbox");
});
