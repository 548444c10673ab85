/** What a device that came into a conversation later takes for missing. @module */
import assert from "node:assert/strict";
import { GAP_AGE_MS } from "../../client/gaps.ts";
import { gather } from "./gathering.ts";
import { groupRelay, ShiftedClock } from "./group_people.ts";
import { Talker, textOf } from "./talker.ts";

Deno.test("regression: a device that came later misses nothing of what was said before in a group of its own account", async () => {
  await using here = await gather(Talker, { laptop: 1, bob: 2 });
  const { relay, laptop, bob } = here;
  const { group } = await laptop.person.groups.create("ops", [bob.account]);
  await bob.hear();
  for (const text of ["one", "two"]) {
    await laptop.say(group, text);
    await bob.say(group, text);
  }
  await laptop.hear();
  const clock = new ShiftedClock();
  await using phone = await Talker.join(relay, 1, { device: 11, clock });
  assert.deepEqual(await laptop.person.groups.bringInOwnDevices(), []);
  await phone.hear();
  await bob.hear();
  await laptop.say(group, "three");
  await bob.say(group, "four");
  assert.deepEqual(await phone.texts(), ["three", "four"]);
  clock.aheadMs = 2 * GAP_AGE_MS;
  await laptop.say(group, "five");
  const heard = await phone.hear();
  assert.deepEqual(heard.map((event) => event.type === "message" ? textOf(event) : event.type), ["five"]);
});

Deno.test("the device that made a group is told when the first thing that somebody said there never came", async () => {
  await using relay = await groupRelay();
  const clock = new ShiftedClock();
  await using ada = await Talker.join(relay, 1, { clock });
  await using bob = await Talker.join(relay, 2);
  const { group } = await ada.person.groups.create("ops", [bob.account]);
  await bob.hear();
  const { author, outbox } = await bob.room();
  await outbox.freeze(author, { group, recipient: group }, [bob.draft("lost", "group")]);
  await bob.say(group, "came");
  assert.deepEqual(await ada.texts(), ["came"]);
  clock.aheadMs = 2 * GAP_AGE_MS;
  await bob.say(group, "later");
  const gaps = (await ada.hear()).filter(({ type }) => type === "gap");
  assert.deepEqual(gaps.map((gap) => gap.type === "gap" && [gap.first, gap.last]), [[1, 1]]);
});
