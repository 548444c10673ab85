/** What a relay that lies about commits can do to a group: cost time, and be noticed. @module */
import assert from "node:assert/strict";
import { refreshBundles } from "../../client/groups/authentication.ts";
import { joinExternally } from "../../crypto/mls/join_externally.ts";
import type { GetCommitsResponse } from "../../proto/gen/qight/v1/group_pb.ts";
import { QightError } from "../../proto/errors.ts";
import { gather } from "./gathering.ts";
import { assertOneView, GroupPerson } from "./group_people.ts";
import { commitAsIs, removing } from "./poisons.ts";

type Lie = (commits: GetCommitsResponse[]) => GetCommitsResponse[];

/** Lets the relay lie in its answers about commits; the answer to call off lies. */
function lying(person: GroupPerson, lie: Lie): () => void {
  const { rpc } = person.relay;
  const honest = rpc.serverStream;
  // deno-lint-ignore no-explicit-any -- one method's messages stand for all
  (rpc as any).serverStream = async function* (...call: Parameters<typeof honest>) {
    const replies = await Array.fromAsync(honest.apply(rpc, call)) as unknown as GetCommitsResponse[];
    yield* call[0].name === "GetCommits" ? lie(replies) : replies;
  };
  return () => rpc.serverStream = honest;
}

/** Says that every commit was accepted then. */
const datedTo = (acceptedAtMs: bigint): Lie => (all) =>
  all.map((one) =>
    one.kind.case === "commit" ? { ...one, kind: { case: "commit", value: { ...one.kind.value, acceptedAtMs } } } : one
  );

const isCommit = ({ kind }: GetCommitsResponse) => kind.case === "commit";

const lies: readonly (readonly [string, Lie])[] = [
  ["leaves one commit out", (all) => all.filter((_, at) => at !== 1)],
  ["gives every commit twice", (all) => all.flatMap((one) => isCommit(one) ? [one, one] : [one])],
  [
    "gives commits in another order",
    (all) => [...all.filter(isCommit).reverse(), ...all.filter((one) => !isCommit(one))],
  ],
  ["gives the first commit again under each number", (all) =>
    all.map((one) => {
      if (one.kind.case !== "commit" || all[0].kind.case !== "commit") return one;
      return { ...one, kind: { case: "commit", value: { ...one.kind.value, commit: all[0].kind.value.commit } } };
    })],
  [
    "names the reader as the maker of a commit",
    (all) =>
      all.map((one) =>
        one.kind.case === "commit"
          ? { ...one, kind: { case: "commit", value: { ...one.kind.value, device: reader } } }
          : one
      ),
  ],
  ["says that the log is gone", (all) =>
    all.filter((one) => !isCommit(one)).map((one) => ({
      ...one,
      kind: { case: "end", value: { ...(one.kind.value as { epoch: bigint }), oldest: 1_000n } },
    } as GetCommitsResponse))],
  ["says that the group is at an earlier epoch", (all) =>
    all.filter((one) => !isCommit(one)).map((one) => ({
      ...one,
      kind: { case: "end", value: { ...(one.kind.value as { oldest: bigint }), epoch: 0n } },
    } as GetCommitsResponse))],
];
let reader = new Uint8Array(32);

for (const [what, lie] of lies) {
  Deno.test(`a relay that ${what} splits nobody off for longer than it lies`, async () => {
    await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
    const { ana, bo } = here;
    const { group } = await ana.groups.create("ops", [bo.account]);
    await bo.read();
    reader = Uint8Array.from(bo.device);
    for (let i = 0; i < 4; i++) await ana.groups.renewKeys(group);
    const honest = lying(bo, lie);
    await bo.groups.bringTo(group);
    honest();
    await bo.read();
    await ana.read();
    await bo.read();
    await assertOneView(group, [ana, bo]);
    assert.equal((await ana.groups.show(group)).members.length, 2);
    await bo.groups.renewKeys(group);
    await ana.read();
    await assertOneView(group, [ana, bo]);
  });
}

Deno.test("a relay that says who is a member is none takes the group from them, and nothing else", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2 });
  const { ana, bo } = here;
  const { group } = await ana.groups.create("ops", [bo.account]);
  await bo.read();
  const honest = lying(bo, () => {
    throw new QightError("not_a_member");
  });
  assert.equal(await bo.groups.bringTo(group), "none");
  honest();
  assert.deepEqual((await bo.read()).map(({ happened }) => happened.kind), ["removed_me", "healed"]);
  await ana.read();
  await assertOneView(group, [ana, bo]);
});

Deno.test("regression: a relay that dates a commit back helps no plain member to take a listed device away", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, phone: { seed: 2, device: 3 }, cy: 4 });
  const { ana, bo, phone, cy } = here;
  const { group } = await ana.groups.create("ops", [bo.account, cy.account]);
  await ana.events();
  for (const one of [bo, phone, cy]) await one.read();
  await commitAsIs(cy, group, await removing(phone.device)(cy, group));
  const { devices } = (await bo.directory.latest(bo.account))!;
  const before = BigInt(devices.find(({ key }) => key.toHex() === phone.device.toHex())!.addedAtMs - 1);
  lying(ana, datedTo(before));
  assert.equal((await ana.happened())[0], "refused_commit");
});

Deno.test("regression: a relay that dates a commit back lets no revoked device come in again by itself", async () => {
  await using here = await gather(GroupPerson, { ana: 1, bo: 2, phone: { seed: 2, device: 3 }, cy: 4 });
  const { ana, bo, phone, cy } = here;
  const { group } = await ana.groups.create("ops", [bo.account, cy.account]);
  await ana.events();
  for (const one of [bo, phone, cy]) await one.read();
  const listed = (await ana.directory.latest(bo.account))!;
  await bo.revoke(phone);
  assert.deepEqual(await bo.groups.removeGoneDevices(), []);
  for (const one of [ana, cy]) await one.read();
  await refreshBundles(ana.room, [bo.account]);
  const { groupInfo } = await cy.calls.getGroup(group);
  const nowMs = Date.now();
  const made = await joinExternally(groupInfo, phone.owner, { nowMs, check: () => Promise.resolve() });
  await commitAsIs(cy, group, { commit: made.commit, groupInfo: made.groupInfo });
  lying(ana, datedTo(BigInt(listed.createdAtMs)));
  assert.equal((await ana.happened())[0], "refused_commit");
});
