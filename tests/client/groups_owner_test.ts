/** Groups whose owner leaves, ends the account, or is robbed: over a real relay. @module */
import assert from "node:assert/strict";
import { signAccountEnd } from "../../crypto/account_end.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { describe, type GroupDescription } from "../../crypto/mls/state.ts";
import type { GroupDataFields } from "../../crypto/mls/group_data.ts";
import { QightError } from "../../proto/errors.ts";
import { RecoveryService } from "../../proto/gen/qight/v1/recovery_pb.ts";
import { gather } from "./gathering.ts";
import { assertOneView, GroupPerson } from "./group_people.ts";
import { commitAsIs, stateOf } from "./poisons.ts";

const isCode = (code: string) => (thrown: unknown) => thrown instanceof QightError && thrown.code === code;

/** A group of the first, with all others in it. */
async function groupOf(people: readonly GroupPerson[]): Promise<Uint8Array> {
  const [first, ...others] = people;
  const { group } = await first.groups.create("ops", others.map(({ account }) => account));
  for (const person of [...others, first]) await person.read();
  return group;
}

/** The account is gone for good. */
async function end(person: GroupPerson): Promise<void> {
  const { bytes } = await signAccountEnd(person.identity.account, Date.now());
  await person.relay.rpc.unary(RecoveryService.method.deleteAccount, { end: bytes });
}

async function rolesSeenBy(person: GroupPerson, group: Uint8Array, of: readonly GroupPerson[]): Promise<string[]> {
  const { members } = await person.groups.show(group);
  return of.map(({ account }) => members.find((one) => one.account.toHex() === account.toHex())?.role ?? "-");
}

Deno.test("an owner who leaves hands the group to the first admin, who removes the leaf and leads from then on", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 3, dan: 4 });
  const { ana, bo, cy, dan } = here;
  const group = await groupOf([ana, bo, cy, dan]);
  await ana.groups.setAdmin(group, cy.account, true);
  await ana.groups.setAdmin(group, bo.account, true);
  await ana.groups.setAdmin(group, cy.account, true); // once more changes no order
  for (const reader of [bo, cy, dan]) await reader.read();
  await ana.groups.leave(group, () => Promise.resolve());
  for (const reader of [bo, cy, dan]) {
    const told = (await reader.read()).map(({ happened }) => happened);
    assert.deepEqual(told, [{ kind: "owner", by: ana.account, account: cy.account }], "one line says whose it is");
    await reader.store.write((tables) => reader.groups.noteLeft(tables, group, ana.account));
    await reader.events();
  }
  await cy.read();
  for (const reader of [bo, dan]) await reader.read();
  assert.deepEqual(await rolesSeenBy(dan, group, [ana, bo, cy, dan]), ["-", "admin", "owner", "member"]);
  await assert.rejects(bo.groups.setAdmin(group, dan.account, true), isCode("not_allowed"));
  await cy.groups.setAdmin(group, dan.account, true);
  for (const reader of [bo, dan]) await reader.read();
  await assertOneView(group, [bo, cy, dan]);
});

Deno.test("when the owner's account has ended the first admin is the owner, by itself, and everybody reads so", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 3 });
  const { ana, bo, cy } = here;
  const group = await groupOf([ana, bo, cy]);
  await ana.groups.setAdmin(group, bo.account, true);
  for (const reader of [bo, cy]) await reader.read();
  await end(ana);
  const told = [{ kind: "account_ended", account: ana.account }, { kind: "owner", by: null, account: bo.account }];
  for (const reader of [cy, bo]) {
    assert.deepEqual((await reader.read()).map(({ happened }) => happened), told);
    assert.deepEqual(await rolesSeenBy(reader, group, [bo, cy]), ["owner", "member"]);
  }
  await assert.rejects(cy.groups.setAdmin(group, cy.account, true), isCode("not_allowed"));
  await bo.groups.setAdmin(group, cy.account, true);
  assert.deepEqual(await cy.happened(), ["admin"]);
  await assertOneView(group, [bo, cy]);
});

Deno.test("who has not heard of the end asks before refusing: one change removes the ended owner and names an admin", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 3 });
  const { ana, bo, cy } = here;
  const group = await groupOf([ana, bo, cy]);
  await end(ana);
  const { epoch } = await bo.groups.setAdmin(group, bo.account, true);
  assert.equal(epoch, (await cy.groups.row(group))!.epoch + 1, "one commit did both");
  const told = (await cy.read()).map(({ happened }) => happened);
  assert.deepEqual(told, [
    { kind: "account_ended", account: ana.account },
    { kind: "admin", by: bo.account, account: bo.account, on: true },
    { kind: "owner", by: null, account: bo.account },
  ]);
  await assert.rejects(cy.groups.setAdmin(group, cy.account, true), isCode("not_allowed"));
  await assertOneView(group, [bo, cy]);
});

Deno.test("a group without owner and admins says so, and is the first one's whom anybody names", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 3 });
  const { ana, bo, cy } = here;
  const group = await groupOf([ana, bo, cy]);
  await end(ana);
  const told = [{ kind: "account_ended", account: ana.account }, { kind: "owner", by: null, account: null }];
  assert.deepEqual((await cy.read()).map(({ happened }) => happened), told);
  await bo.read();
  await cy.groups.setAdmin(group, bo.account, true);
  assert.deepEqual((await bo.read()).map(({ happened }) => happened.kind), ["admin", "owner"]);
  assert.deepEqual(await rolesSeenBy(bo, group, [bo, cy]), ["owner", "member"]);
  await assert.rejects(cy.groups.setAdmin(group, cy.account, true), isCode("not_allowed"));
});

Deno.test("an owner hands the group over and stays as an admin; only a member can be the owner", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 3, dan: 4 });
  const { ana, bo, cy, dan } = here;
  const group = await groupOf([ana, bo, cy]);
  await assert.rejects(bo.groups.setOwner(group, bo.account), isCode("not_allowed"));
  await assert.rejects(ana.groups.setOwner(group, dan.account), isCode("not_allowed"));
  await ana.groups.setOwner(group, bo.account);
  const told = (await cy.read()).map(({ happened }) => happened);
  assert.deepEqual(told, [
    { kind: "admin", by: ana.account, account: ana.account, on: true },
    { kind: "owner", by: ana.account, account: bo.account },
  ]);
  assert.deepEqual(await rolesSeenBy(cy, group, [ana, bo, cy]), ["admin", "owner", "member"]);
  await bo.read();
  await assert.rejects(ana.groups.remove(group, [bo.account]), isCode("not_allowed"));
  await bo.groups.remove(group, [ana.account]);
  await cy.read();
  await assertOneView(group, [bo, cy]);
});

Deno.test("who lost the state while the group was handed over joins anew and is told whose it is", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 3 });
  const { ana, bo, cy } = here;
  const group = await groupOf([ana, bo, cy]);
  await ana.groups.setOwner(group, bo.account);
  assert.equal(await cy.groups.suspectFork(group), true);
  const told = (await cy.events()).map(({ happened }) => happened);
  assert.deepEqual(told.map(({ kind }) => kind), ["forked", "healed", "owner"]);
  for (const reader of [ana, bo]) await reader.read();
  await assertOneView(group, [ana, bo, cy]);
});

Deno.test("an owner whose devices were all replaced is the owner again once the new one is in; until then an admin is", async () => {
  await using here = await gather(GroupPerson, { bo: 2, cy: 3, ana: 1 });
  const { relay, bo, cy, ana } = here;
  const group = await groupOf([ana, bo, cy]);
  await ana.groups.setAdmin(group, bo.account, true);
  for (const reader of [bo, cy]) await reader.read();
  await using anew = await GroupPerson.join(relay, 1, { device: 9, packages: null });
  await anew.revoke(ana);
  const told = (await cy.read()).map(({ happened }) => happened);
  assert.deepEqual(told.map(({ kind }) => kind), ["member_removed", "owner"]);
  assert.deepEqual(told[1], { kind: "owner", by: null, account: bo.account });
  await bo.read();
  await anew.publishPackages(2);
  await cy.read(); // who removed the last leaf brings the new device in
  for (const reader of [anew, bo]) await reader.read();
  assert.deepEqual(await rolesSeenBy(bo, group, [anew, bo, cy]), ["owner", "admin", "member"]);
  await assert.rejects(bo.groups.setAdmin(group, cy.account, true), isCode("not_allowed"));
  await anew.groups.setAdmin(group, cy.account, true);
  for (const reader of [bo, cy]) await reader.read();
  await assertOneView(group, [anew, bo, cy]);
});

/** What a robber's commit is like: changed data, and leaves that it removes. */
type Robbery = (now: GroupDescription, robber: GroupPerson) => {
  readonly data: GroupDataFields;
  readonly remove?: readonly number[];
};
const ownersLeaf = ({ members, data }: GroupDescription) =>
  members.filter(({ account }) => account.toHex() === data.creator.toHex()).map(({ leaf }) => leaf);

const robberies: readonly (readonly [string, Robbery])[] = [
  ["takes the group", ({ data }, { account }) => ({ data: { ...data, creator: account, admins: [] } })],
  ["removes the owner", (now) => ({ data: now.data, remove: ownersLeaf(now) })],
  ["removes the owner and takes the group", (now, { account }) => ({
    data: { ...now.data, creator: account, admins: [] },
    remove: ownersLeaf(now),
  })],
  ["puts itself before the other admins", ({ data }) => ({ data: { ...data, admins: data.admins.toReversed() } })],
];

for (const [what, robbery] of robberies) {
  Deno.test(`an admin who ${what} while the owner lives is refused by all, undone and put out`, async () => {
    await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 3, mal: 4 });
    const { ana, bo, cy, mal } = here;
    const group = await groupOf([ana, bo, cy, mal]);
    await ana.groups.setAdmin(group, bo.account, true);
    await ana.groups.setAdmin(group, mal.account, true);
    for (const reader of [bo, cy, mal]) await reader.read();
    const before = await bo.view(group);
    const state = await stateOf(mal, group);
    const { data, remove = [] } = robbery(describe(state), mal);
    const made = await commit(state, { data, remove: [...remove], nowMs: Date.now() });
    const roster = describe(made.next).members.map(({ device }) => device);
    await commitAsIs(mal, group, { commit: made.commit, groupInfo: made.groupInfo, roster });
    await bo.read();
    assert.equal((await bo.groups.row(group))?.status, "stuck");
    assert.equal(await bo.view(group), before, "nobody takes it in");
    await cy.read(); // with that they are more than half
    assert.deepEqual((await ana.read()).map(({ happened }) => happened.kind).slice(-1), ["member_removed"]);
    for (const reader of [bo, cy, mal]) await reader.read();
    assert.equal(await mal.view(group), null);
    await assertOneView(group, [ana, bo, cy]);
    assert.deepEqual(await rolesSeenBy(cy, group, [ana, bo, cy]), ["owner", "admin", "member"]);
  });
}

Deno.test("a relay that hides the owner's end from a member only keeps that one waiting: nothing is taken on its word", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, cy: 3, dan: 4 });
  const { ana, bo, cy, dan } = here;
  const group = await groupOf([ana, bo, cy, dan]);
  await end(ana);
  // As if the relay answered cy with the list of before, and nothing else.
  const honest = cy.relay.getAccount.bind(cy.relay);
  cy.relay.getAccount = async (account) => ({ ...await honest(account), end: null, bundle: null });
  await assert.rejects(cy.groups.setAdmin(group, cy.account, true), isCode("not_allowed"));
  await bo.groups.setAdmin(group, bo.account, true);
  await cy.read();
  assert.equal((await cy.groups.row(group))?.status, "stuck", "what cannot be proved is not taken in");
  cy.relay.getAccount = honest;
  await cy.groups.bringTo(group);
  await dan.read();
  assert.deepEqual(await rolesSeenBy(cy, group, [bo, cy]), ["owner", "member"]);
  await assertOneView(group, [bo, cy, dan]);
});
