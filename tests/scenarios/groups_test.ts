/** Long stories of groups: long absence, and a random life of several members compared step by step. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { commit } from "../../crypto/mls/commit.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { assertOneView, GroupPerson, groupRelay, RELAY_NAME } from "../client/group_people.ts";

Deno.test("a member who was away for 200 epochs catches up in less than 20 s, and memory stays flat", async () => {
  await using relay = await groupRelay();
  await using ana = await GroupPerson.join(relay, 1);
  await using bo = await GroupPerson.join(relay, 2);
  await using zoe = await GroupPerson.join(relay, 3);
  const { group } = await ana.groups.create("ops", [bo.account, zoe.account]);
  await bo.read();
  await zoe.read();
  const { epoch } = (await zoe.groups.row(group))!;
  for (let i = 0; i < 100; i++) {
    await ana.groups.renewKeys(group);
    await bo.groups.renewKeys(group);
  }
  const heapBefore = Deno.memoryUsage().heapUsed;
  const before = performance.now();
  assert.equal(await zoe.groups.bringTo(group, epoch + 200), "there");
  const tookMs = performance.now() - before;
  assert.ok(tookMs < 20_000, `it took ${Math.round(tookMs)} ms`);
  const grownMiB = (Deno.memoryUsage().heapUsed - heapBefore) / 2 ** 20;
  assert.ok(grownMiB < 64, `the heap grew by ${Math.round(grownMiB)} MiB`);
  await ana.read();
  await assertOneView(group, [ana, bo, zoe]);
});

Deno.test("who is brought to an epoch stops there: later messages are another page", async () => {
  await using relay = await groupRelay();
  await using ana = await GroupPerson.join(relay, 1);
  await using bo = await GroupPerson.join(relay, 2);
  const { group } = await ana.groups.create("ops", [bo.account]);
  await bo.read();
  const { epoch } = (await bo.groups.row(group))!;
  for (let i = 0; i < 40; i++) await ana.groups.renewKeys(group);
  assert.equal(await bo.groups.bringTo(group, epoch + 23), "there");
  assert.equal((await bo.groups.row(group))!.epoch, epoch + 23);
  assert.equal(await bo.groups.bringTo(group, epoch + 3), "ahead");
  assert.equal(await bo.groups.bringTo(group, epoch + 41), "behind", "no such epoch yet");
  assert.equal((await bo.groups.row(group))!.epoch, epoch + 40);
  assert.equal(await bo.groups.bringTo(new Uint8Array(32).fill(9), 3), "none");
});

/** What somebody does; numbers choose people, modulo how many there are. */
type Step = readonly [what: typeof WHAT[number], who: number, whom: number];

const WHAT = [
  "renew",
  "invite",
  "remove",
  "rename",
  "timer",
  "leave",
  "read",
  "restart",
  "lose",
  "race",
  "silence",
  "poison",
] as const;

Deno.test("after any life of a group all who are in it see the same", async () => {
  const step = fc.tuple(fc.constantFrom(...WHAT), fc.nat(7), fc.nat(7));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 24 }), (steps) => live(steps)),
    { numRuns: 6, endOnFailure: true },
  );
});

async function live(steps: readonly Step[]): Promise<void> {
  await using relay = await groupRelay();
  await using stack = new AsyncDisposableStack();
  const people: GroupPerson[] = [];
  for (let i = 0; i < 5; i++) {
    people.push(stack.use(await GroupPerson.join(relay, i + 1, { packages: 6, groups: { timeoutMs: 30_000 } })));
  }
  const { group } = await people[0].groups.create("ops", people.slice(1, 4).map(({ account }) => account));
  for (const [what, who, whom] of steps) {
    await allowed(() => act(group, people, people[who % people.length], people[whom % people.length], what));
  }
  for (let round = 0; round < 3; round++) for (const person of people) await person.read();
  const members = (await Promise.all(people.map(async (person) => await person.view(group) === null ? [] : [person])))
    .flat();
  if (members.length > 0) await assertOneView(group, members);
  for (const person of members) {
    const { members: seen } = await person.groups.show(group);
    const accounts = new Set(seen.map(({ account }) => account.toHex()));
    for (const { account } of members) assert.ok(accounts.has(account.toHex()), "everybody who is in is listed");
    assert.deepEqual(await person.store.read(({ groups }) => groups.pending(RELAY_NAME, group)), []);
  }
}

async function act(
  group: Uint8Array,
  people: readonly GroupPerson[],
  person: GroupPerson,
  other: GroupPerson,
  what: Step[0],
): Promise<unknown> {
  const { groups } = person;
  switch (what) {
    case "renew":
      return await groups.renewKeys(group);
    case "invite":
      return await groups.invite(group, [other.account]);
    case "remove":
      return other === person ? undefined : await groups.remove(group, [other.account]);
    case "rename":
      return await groups.rename(group, `name${other.account[0]}`);
    case "timer":
      return await groups.setTimer(group, other.account[0]);
    case "leave":
      return await groups.leave(group);
    case "read":
      return await person.read();
    case "restart":
      return await person.restart();
    case "lose":
      return await person.store.write((tables) => tables.groups.remove(RELAY_NAME, group));
    case "race":
      return await Promise.all(people.map((one) => allowed(() => one.groups.renewKeys(group))));
    case "poison": {
      // A commit that nobody can read.
      const loaded = await person.store.write((tables) => groups.states.load(tables, RELAY_NAME, group));
      if (!loaded) return;
      const made = await commit(loaded.state, { nowMs: Date.now() });
      made.commit.fill(7, -40);
      const { roster } = await person.calls.getGroup(group);
      const rest = { welcome: null, welcomed: [], groupInfo: made.groupInfo, roster };
      return await person.calls.commit({ group, epoch: loaded.row.epoch, commit: made.commit, ...rest });
    }
    case "silence": {
      // The relay's answer to a commit is lost.
      const { rpc } = person.relay;
      const unary = rpc.unary.bind(rpc);
      rpc.unary = async (method, request, options) => {
        const reply = await unary(method, request, options);
        if (method.name !== "Commit") return reply;
        throw new QightError("unreachable", "The relay broke off Commit");
      };
      try {
        return await groups.renewKeys(group);
      } finally {
        rpc.unary = unary;
      }
    }
  }
}

/** What people may hear instead of success; everything else fails the test. */
async function allowed(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    const { code } = asQightError(thrown);
    if (!["not_allowed", "not_a_member", "no_such_group", "unreachable", "stale_epoch"].includes(code)) throw thrown;
  }
}
