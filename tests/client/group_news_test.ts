/** What members hear of somebody who left: one line, and whoever left has it in the history. @module */
import assert from "node:assert/strict";
import { type GroupEvent, sentenceOf } from "../../client/groups/events.ts";
import { GroupPerson, groupRelay } from "./group_people.ts";

const NAMES = ["ana", "bo", "eve"];

/** What a reader would see of events. */
function sentences({ account }: GroupPerson, events: readonly GroupEvent[], people: readonly GroupPerson[]): string[] {
  const nameOf = (who: Uint8Array) => NAMES[people.findIndex((one) => one.account.toHex() === who.toHex())];
  return events.map(({ happened }) => sentenceOf(happened, nameOf, account));
}

Deno.test('regression: "eve left" is one line for the one who removes the leaf too, and for all others', async () => {
  await using relay = await groupRelay();
  const own: GroupEvent[] = [];
  await using ana = await GroupPerson.join(relay, 1, {
    groups: { onOwnChange: (_tables, events) => void own.push(...events) },
  });
  await using bo = await GroupPerson.join(relay, 2);
  await using eve = await GroupPerson.join(relay, 3);
  const people = [ana, bo, eve];
  const { group } = await ana.groups.create("ops", [bo.account, eve.account]);
  for (const one of people) await one.read();
  await eve.groups.leave(group, () => Promise.resolve());
  for (const one of [ana, bo]) await one.store.write((tables) => one.groups.noteLeft(tables, group, eve.account));
  own.splice(0);
  assert.deepEqual(sentences(ana, [...await ana.read(), ...await ana.events()], people), ["eve left"]);
  assert.deepEqual(own, [], "nor as a line of the history");
  assert.equal((await ana.groups.show(group)).members.length, 2, "her leaf is gone");
  assert.deepEqual(sentences(bo, await bo.read(), people), ["eve left"]);
  assert.equal((await bo.groups.show(group)).members.length, 2);

  await ana.groups.remove(group, [bo.account]);
  assert.deepEqual(sentences(ana, await ana.events(), people), ["you removed bo"], "who did not leave was removed");
});

Deno.test("regression: who leaves a group keeps that in the history, once; a no to a group that asked is no line", async () => {
  await using relay = await groupRelay();
  const own: GroupEvent[] = [];
  const groups = {
    askFirst: true,
    onOwnChange: (_: unknown, events: readonly GroupEvent[]) => void own.push(...events),
  };
  await using ana = await GroupPerson.join(relay, 1);
  await using bo = await GroupPerson.join(relay, 2, { groups });
  const people = [ana, bo];
  for (const yes of [true, false]) {
    const { group } = await ana.groups.create(yes ? "ops" : "spam", [bo.account]);
    assert.deepEqual(sentences(bo, await bo.read(), people), ["ana added you"], "and nothing of the group before");
    if (yes) await bo.groups.join(group);
    await bo.groups.leave(group, () => Promise.resolve());
  }
  assert.deepEqual(sentences(bo, own, people), ["you left"]);
  assert.equal(own[0].name, "ops");
  assert.deepEqual(await bo.read(), [], "readers do not tell it again");
});
