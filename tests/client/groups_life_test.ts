/** Groups: made, changed, left, seen by three people over a real relay. @module */
import assert from "node:assert/strict";
import { applyCommit } from "../../crypto/mls/apply.ts";
import { openMessage, sealMessage } from "../../crypto/mls/message.ts";
import { decodeState } from "../../crypto/mls/state.ts";
import { gather } from "./gathering.ts";
import { assertOneView, GroupPerson, RELAY_NAME } from "./group_people.ts";

Deno.test("three people are in one group after the invited ones have fetched", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, eve: 3 });
  const { ana, bo, eve } = here;
  const made = await ana.groups.create("ops", [bo.account, eve.account]);
  assert.equal(made.name, "ops");
  assert.equal(made.members.length, 3);
  assert.deepEqual(await bo.happened(), ["joined"]);
  assert.deepEqual((await bo.calls.listGroups()).map(({ welcome }) => welcome), [false], "the Welcome is used up");
  assert.deepEqual(await eve.happened(), ["joined"]);
  await assertOneView(made.group, [ana, bo, eve]);
  const shown = await bo.groups.show((await bo.groups.find("#OPS")).group);
  assert.deepEqual(shown.members.map(({ role }) => role), ["owner", "member", "member"]);
  assert.equal(shown.role, "member");
});

Deno.test("everybody may invite; only the owner and admins may remove, rename and set the timer", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, eve: 3 });
  const { ana, bo, eve } = here;
  const { group } = await ana.groups.create("ops", [bo.account]);
  await bo.read();
  assert.deepEqual((await bo.groups.invite(group, [eve.account])).added, [eve.account]);
  assert.deepEqual(await eve.happened(), ["joined"]);
  await assert.rejects(bo.groups.rename(group, "mine"), { code: "not_allowed" });
  await assert.rejects(bo.groups.setTimer(group, 60), { code: "not_allowed" });
  await assert.rejects(bo.groups.remove(group, [eve.account]), { code: "not_allowed" });
  await assert.rejects(bo.groups.setAdmin(group, bo.account, true), { code: "not_allowed" });
  await ana.groups.setAdmin(group, bo.account, true);
  await bo.groups.rename(group, "sysops");
  await bo.groups.setTimer(group, 3600);
  assert.deepEqual(await eve.happened(), ["admin", "renamed", "timer"]);
  assert.equal((await eve.groups.find("sysops")).name, "sysops");
  assert.equal((await eve.groups.show(group)).disappearAfterS, 3600);
  await ana.read();
  await assertOneView(group, [ana, bo, eve]);
});

Deno.test("a removed member hears of it, has no state any more, and can be invited again", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const { group } = await ana.groups.create("ops", [bo.account]);
  await bo.read();
  assert.deepEqual((await ana.groups.remove(group, [bo.account])).removed, [bo.account]);
  assert.deepEqual(await bo.happened(), ["removed_me"]);
  assert.equal(await bo.view(group), null);
  await assert.rejects(bo.groups.find("ops"), { code: "not_a_member" });
  await assert.rejects(bo.groups.invite(group, [ana.account]), { code: "not_a_member" });
  await ana.groups.invite(group, [bo.account]);
  assert.deepEqual(await bo.happened(), ["joined"]);
  await assertOneView(group, [ana, bo]);
});

Deno.test("a removed member can neither read on with a state it kept, nor write, nor look", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, eve: 3 });
  const { ana, bo, eve } = here;
  const { group } = await ana.groups.create("ops", [bo.account, eve.account]);
  await bo.read();
  const kept = await bo.store.read(({ groups }) => groups.parts(RELAY_NAME, group));
  await ana.groups.remove(group, [bo.account]);
  const saying = (await ana.store.write((tables) => ana.groups.states.load(tables, RELAY_NAME, group)))!;
  const { message } = await sealMessage(saying.state, new TextEncoder().encode("without bo"));
  const state = await decodeState(kept!);
  await assert.rejects(openMessage(state, message), { code: "bad_group_message" });
  for await (const entry of ana.calls.commits(group, saying.row.epoch - 1, 1)) {
    if (entry.kind !== "commit") continue;
    const { next } = await applyCommit(state, entry.commit, { nowMs: Date.now(), check() {} });
    assert.equal(next, null, "its own removal leads nowhere");
  }
  await assert.rejects(bo.calls.getGroup(group), { code: "not_a_member" });
  await assert.rejects(Array.fromAsync(bo.calls.commits(group, 0)), { code: "not_a_member" });
  assert.equal(await bo.calls.getWelcome(group), null);
});

Deno.test("who is removed and invited again while away is in, and was not asked to forget", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const { group } = await ana.groups.create("ops", [bo.account]);
  await bo.read();
  await ana.groups.remove(group, [bo.account]);
  await ana.groups.invite(group, [bo.account]);
  assert.equal((await bo.happened()).at(-1), "joined");
  await assertOneView(group, [ana, bo]);
});

Deno.test("an owner who leaves makes another member the owner, who removes the leaf", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, eve: 3 });
  const { ana, bo, eve } = here;
  const { group } = await ana.groups.create("ops", [bo.account, eve.account]);
  await bo.read();
  await eve.read();
  let said = 0;
  await ana.groups.leave(group, async () => void said++);
  assert.equal(said, 1);
  assert.equal(await ana.view(group), null);
  for (const reader of [bo, eve]) {
    await reader.read();
    await reader.store.write((tables) => reader.groups.noteLeft(tables, group, ana.account));
  }
  await bo.read();
  const { members } = await bo.groups.show(group);
  assert.deepEqual(
    members.map(({ account }) => account.toHex()).sort(),
    [bo, eve].map((p) => p.account.toHex()).sort(),
  );
  assert.deepEqual(await eve.happened(), ["member_removed"], "told once, when she said so");
  await assertOneView(group, [bo, eve]);
});

Deno.test("two groups of the same name are #ops and #ops-2 for who is in both", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, eve: 3 });
  const { ana, bo, eve } = here;
  await ana.groups.create("ops", [eve.account]);
  const second = await bo.groups.create("Ops", [eve.account]);
  await eve.read();
  assert.deepEqual((await eve.groups.list()).map(({ name }) => name), ["ops", "Ops-2"]);
  await bo.groups.setTimer(second.group, 5);
  await eve.read();
  assert.equal((await eve.groups.find("ops-2")).group.toHex(), second.group.toHex(), "a change keeps the number");
  await eve.groups.leave((await eve.groups.find("ops")).group);
  await bo.groups.setTimer(second.group, 6);
  await eve.read();
  assert.equal((await eve.groups.find("ops-2")).name, "Ops-2", "also when the other one is gone");
  await assert.rejects(ana.groups.create("OPS"), { code: "group_exists" });
});

Deno.test("nobody is added who cannot be, and then there is no group", async () => {
  await using here = await gather(GroupPerson, { ana: 1 });
  const { ana } = here;
  await assert.rejects(ana.groups.create("ops", [new Uint8Array(32).fill(7)]), { code: "no_such_recipient" });
  assert.deepEqual(await ana.groups.list(), []);
  await assert.rejects(ana.groups.create("a b"), { code: "bad_name" });
});

Deno.test("a blocked person's group is left at once, without a word", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  await bo.contacts.add("ana", ana.account);
  await bo.contacts.block("ana", true);
  const { group } = await ana.groups.create("ops", [bo.account]);
  assert.deepEqual(await bo.happened(), []);
  assert.deepEqual(await bo.groups.list(), []);
  assert.deepEqual(await bo.calls.listGroups(), []);
  assert.equal(await bo.view(group), null);
});

Deno.test("a blocked person cannot add anybody to the group of a friend", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, eve: 3 });
  const { ana, bo, eve } = here;
  const { group } = await ana.groups.create("ops", [bo.account]);
  await bo.read();
  await eve.contacts.add("bo", bo.account);
  await eve.contacts.block("bo", true);
  await bo.groups.invite(group, [eve.account]);
  assert.deepEqual(await eve.happened(), []);
  assert.deepEqual(await eve.calls.listGroups(), []);
});

Deno.test("with ask, an invited member is in after a yes; a no leaves", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: { seed: 2, groups: { askFirst: true } } });
  const { ana, bo } = here;
  const yes = await ana.groups.create("yes", [bo.account]);
  const no = await ana.groups.create("no", [bo.account]);
  await bo.read();
  assert.deepEqual((await bo.groups.list()).map(({ status }) => status), ["joining", "joining"]);
  await bo.groups.join(yes.group);
  await bo.groups.leave(no.group);
  assert.deepEqual((await bo.groups.list()).map(({ name, status }) => [name, status]), [["yes", "active"]]);
});

Deno.test("an invite opens a group while all its members are away", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const { group } = await ana.groups.create("ops");
  const pass = await ana.groups.pass(group, 3600);
  await ana.relay[Symbol.asyncDispose]();
  const joined = await bo.groups.joinBy(pass);
  assert.equal(joined.name, "ops");
  await assert.rejects(
    bo.newGroups().joinBy({ ...pass, group: new Uint8Array(32).fill(1) }),
    { code: "invite_unknown" },
  );
  await ana.connect();
  assert.deepEqual(await ana.happened(), ["member_added"]);
  await assertOneView(group, [ana, bo]);
});

Deno.test("who left may be invited again by a plain member, also while the old leaf is still there", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, eve: 3 });
  const { ana, bo, eve } = here;
  const { group } = await ana.groups.create("ops", [bo.account, eve.account]);
  await eve.read();
  await bo.read();
  await eve.groups.leave(group);
  await bo.store.write((tables) => bo.groups.noteLeft(tables, group, eve.account));
  await bo.read();
  assert.deepEqual((await bo.groups.invite(group, [eve.account])).added, [eve.account]);
  assert.deepEqual(await bo.store.read(({ groups }) => groups.leavers(bo.groups.relay, group)), []);
  assert.deepEqual(await eve.happened(), ["joined"]);
  assert.equal((await eve.groups.row(group))?.status, "joining", "who had left is asked");
  await eve.groups.join(group);
  await ana.read();
  await assertOneView(group, [ana, bo, eve]);
  assert.equal((await ana.groups.show(group)).members.length, 3);
});
