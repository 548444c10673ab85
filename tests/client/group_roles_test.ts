/** Who may do what in a group: the rules that every member judges a change by. @module */
import assert from "node:assert/strict";
import type { Member } from "../../crypto/mls/credential.ts";
import type { GroupDataFields } from "../../crypto/mls/group_data.ts";
import { faultOf, heirOf, type JudgedChange, ownerOf, removalsToJustify, roleOf } from "../../client/groups/roles.ts";

const [ana, bo, cy, dan] = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
const leafOf = (account: Uint8Array): Member => ({
  leaf: account[0],
  account,
  device: account.map((byte) => byte + 100),
});
const all = [ana, bo, cy, dan].map(leafOf);
const without = (...gone: readonly Uint8Array[]) => all.filter(({ account }) => !gone.includes(account));
/** Ana's group, in which bo is an admin. */
const data: GroupDataFields = { name: "ops", creator: ana, admins: [bo], direct: null, disappearAfterS: 0 };

/** What `by` changes of the group, and who is in it. */
interface Case {
  readonly by: Uint8Array;
  readonly in?: readonly Member[];
  readonly before?: Partial<GroupDataFields>;
  readonly after?: Partial<GroupDataFields>;
  readonly removed?: readonly Uint8Array[];
  /** Of the removed: whose account has ended, or lists the device no more. */
  readonly gone?: readonly Uint8Array[];
}

function judge({ by, in: members = all, before = {}, after = {}, removed = [], gone = [] }: Case): string | null {
  const was = { ...data, ...before };
  const change: JudgedChange = {
    ...{ committer: leafOf(by), external: false, added: [], before: was, after: { ...was, ...after } },
    removed: removed.map(leafOf),
  };
  return faultOf(change, members, gone.map(leafOf));
}

const NAMES = "only the owner names admins";
const HANDS = "only the owner hands the group over";
const STAYS = "nobody removes the owner";
const OTHERS = "only the owner and admins may remove others";

const cases: readonly (readonly [string, Case, string | null])[] = [
  ["the owner names an admin", { by: ana, after: { admins: [bo, cy] } }, null],
  ["an admin names none while the owner is there", { by: bo, after: { admins: [bo, cy] } }, NAMES],
  ["a member does not make itself one", { by: cy, after: { admins: [bo, cy] } }, NAMES],
  ["an admin removes a member", { by: bo, removed: [cy] }, null],
  ["a member removes none", { by: cy, removed: [dan] }, OTHERS],
  ["an admin does not remove the owner", { by: bo, removed: [ana] }, STAYS],
  ["nor does a member", { by: cy, removed: [ana] }, OTHERS],
  ["an owner whose account has ended is removed by anybody", { by: cy, removed: [ana], gone: [ana] }, null],
  ["the owner hands the group to a member", { by: ana, after: { creator: cy } }, null],
  [
    "but not to somebody who is out",
    { by: ana, in: without(cy), after: { creator: cy } },
    "only a member can be the owner",
  ],
  [
    "nor to somebody who is removed by it",
    { by: ana, after: { creator: cy }, removed: [cy] },
    "only a member can be the owner",
  ],
  ["an admin does not take the group while the owner is there", { by: bo, after: { creator: bo } }, HANDS],
  ["nor a member", { by: cy, after: { creator: cy } }, HANDS],
  ["nor by removing the owner in the same change", { by: bo, after: { creator: bo }, removed: [ana] }, STAYS],
  ["with the owner gone the first admin names others", { by: bo, in: without(ana), after: { admins: [bo, cy] } }, null],
  [
    "the second one does not",
    { by: cy, in: without(ana), before: { admins: [bo, cy] }, after: { admins: [cy] } },
    NAMES,
  ],
  [
    "nor puts himself first",
    { by: cy, in: without(ana), before: { admins: [bo, cy] }, after: { admins: [cy, bo] } },
    NAMES,
  ],
  [
    "nor removes the first one, who is the owner now",
    { by: cy, in: without(ana), before: { admins: [bo, cy] }, removed: [bo] },
    STAYS,
  ],
  [
    "a member names none as long as an admin is there",
    { by: cy, in: without(ana), after: { admins: [bo, cy] } },
    NAMES,
  ],
  ["with no admin left everybody names one", { by: cy, in: without(ana, bo), after: { admins: [bo, cy] } }, null],
  ["and nobody takes the group without being named", { by: cy, in: without(ana, bo), after: { creator: cy } }, HANDS],
  [
    "the ended owner goes and the first admin names another in one change",
    { by: bo, removed: [ana], gone: [ana], after: { admins: [bo, cy] } },
    null,
  ],
  [
    "a member who removes the ended owner of a group without admins names one in the same change",
    { by: cy, before: { admins: [] }, removed: [ana], gone: [ana], after: { admins: [cy] } },
    null,
  ],
  [
    "an end that nobody signed gives no right",
    { by: cy, before: { admins: [] }, removed: [ana], after: { admins: [cy] } },
    OTHERS,
  ],
  [
    "an end that is known gives no right while the leaf stays: others may not know of it",
    { by: cy, before: { admins: [] }, gone: [ana], after: { admins: [cy] } },
    NAMES,
  ],
  [
    "owner and first admin, both ended, go in one change of the next one, who leads from then on",
    { by: cy, before: { admins: [bo, cy] }, removed: [ana, bo], gone: [ana, bo], after: { admins: [cy, dan] } },
    null,
  ],
];

for (const [what, change, fault] of cases) {
  Deno.test(`rules of a group: ${what}`, () => assert.equal(judge(change), fault));
}

Deno.test("whose a group is: the owner's, else the first admin's who is in it, else nobody's", () => {
  const admins = { ...data, admins: [cy, bo] };
  assert.deepEqual(ownerOf(admins, all), ana);
  assert.deepEqual(ownerOf(admins, without(ana)), cy);
  assert.deepEqual(ownerOf(admins, without(ana, cy)), bo);
  assert.equal(ownerOf(admins, without(ana, bo, cy)), null);
  assert.deepEqual(all.map(({ account }) => roleOf(admins, all, account)), ["owner", "admin", "admin", "member"]);
  assert.deepEqual(roleOf(admins, without(ana), cy), "owner");
  assert.equal(ownerOf({ ...data, direct: [ana, bo] }, all), null);
});

Deno.test("an owner who leaves hands the group to the first admin, else to a member, alone to nobody", () => {
  assert.deepEqual(heirOf({ ...data, admins: [cy, bo] }, all, ana), cy);
  assert.deepEqual(heirOf({ ...data, admins: [] }, all, ana), bo);
  assert.equal(heirOf(data, [leafOf(ana)], ana), null);
});

Deno.test("an admin's removals ask for the word of whoever leads, and a member's for everybody's", () => {
  const change = (by: Uint8Array): JudgedChange => ({
    ...{ committer: leafOf(by), external: false, added: [], before: data, after: data },
    removed: [ana, dan].map(leafOf),
  });
  assert.deepEqual(removalsToJustify(change(bo), all).map(({ account }) => account), [ana]);
  assert.deepEqual(removalsToJustify(change(cy), all).map(({ account }) => account), [ana, dan]);
});
