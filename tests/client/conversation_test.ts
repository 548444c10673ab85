/** Talking in conversations over a real relay: races, crashes, repeats, actions, receipts, gaps. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { systemRandom } from "../../client/clock.ts";
import { sendLines } from "../../client/line_sender.ts";
import { repeatMessage, sendMessage } from "../../client/send.ts";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { gather } from "./gathering.ts";
import { Talker, textOf } from "./talker.ts";

Deno.test("two people talk in a conversation that begins by itself, in both directions", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2 });
  const { ada, bob } = here;
  const { via, error, devices } = await ada.say(bob, "hello");
  assert.deepEqual([via, error, devices.length], ["mls", null, 1]);
  const [heard] = await bob.hear();
  assert.equal(heard.type, "message");
  if (heard.type !== "message") return;
  assert.deepEqual([textOf(heard), heard.via, heard.verified, heard.in.kind], ["hello", "mls", true, "direct"]);
  assert.deepEqual(heard.from, ada.account);
  for (const text of ["a", "b", "c"]) assert.equal((await bob.say(ada, text)).via, "mls");
  assert.deepEqual(await ada.texts(), ["a", "b", "c"]);
  assert.deepEqual(await bob.texts(), []);
});

Deno.test("a group of three hears what one says, once, and each has it in a mailbox of its own", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2, eve: 3 });
  const { ada, bob, eve } = here;
  const { group } = await ada.person.groups.create("ops", [bob.account, eve.account]);
  const { devices, error } = await ada.say(group, "deploy at eight");
  assert.deepEqual([devices.length, error], [2, null]);
  for (const one of [bob, eve]) {
    const [heard] = await one.hear();
    assert.equal(heard.type === "message" && heard.in.kind === "group" && heard.in.name, "ops");
    assert.deepEqual(await one.hear(), []);
  }
  await bob.say(group, "fine");
  assert.deepEqual(await ada.texts(), ["fine"]);
  assert.deepEqual(await eve.texts(), ["fine"]);
});

Deno.test("who has no KeyPackage is written to sealed, and the sender is told why", async () => {
  await using here = await gather(Talker, { ada: 1, bob: { seed: 2, packages: 0 } });
  const { ada, bob } = here;
  const known = await bob.person.calls.countKeyPackages(83);
  const { via, sealedBecause, error } = await ada.say(bob, "hello");
  if (known.lastResort) return assert.equal(via, "mls");
  assert.deepEqual([via, sealedBecause?.code, error], ["sealed", "no_key_package", null]);
  const [heard] = await bob.hear();
  assert.equal(heard.type === "message" && heard.via, "sealed");
});

Deno.test("a message that loses the race against a commit is encrypted anew and arrives under its id", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2, eve: 3 });
  const { ada, bob, eve } = here;
  const { group } = await ada.person.groups.create("ops", [bob.account]);
  await bob.hear();
  await ada.person.groups.invite(group, [eve.account]);
  const draft = bob.draft("late", "group");
  const { id, error, devices } = await sendMessage(await bob.room(), group, draft);
  assert.deepEqual([error, devices.length], [null, 2]);
  const [heard] = await eve.hear();
  assert.deepEqual(heard.type === "message" && heard.id, id);
  assert.deepEqual(await ada.texts(), ["late"]);
});

Deno.test("a reader killed between opening and showing finds the message again, once, and it is erased when shown", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2 });
  const { ada, bob } = here;
  await ada.say(bob, "one");
  await ada.say(bob, "two");
  const inbox = bob.inbox();
  for await (const event of inbox.read()) {
    if (event.type !== "message") continue;
    await inbox.printing(event); // and then nothing: as if killed
    break;
  }
  const rows = () => bob.person.store.read(({ opened }) => opened.purge(0));
  assert.equal(await rows(), 0);
  bob.renew();
  const heard = await bob.hear();
  assert.deepEqual(heard.map((event) => event.type === "message" && [textOf(event), event.redelivered]), [
    ["one", true],
    ["two", false],
  ]);
  const left = await bob.person.store.write(({ opened }) => opened.purge(Infinity));
  assert.equal(left, 0, "what was shown is erased");
});

Deno.test("peek shows a conversation's messages as often as it is asked, and fetch afterwards once", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2 });
  const { ada, bob } = here;
  await ada.say(bob, "one");
  await ada.say(bob, "two");
  assert.deepEqual(await bob.texts({ peek: true }), ["one", "two"]);
  assert.deepEqual(await bob.texts({ peek: true, max: 1 }), ["one"]);
  assert.deepEqual(await bob.texts(), ["one", "two"]);
  assert.deepEqual(await bob.texts({ peek: true }), []);
});

Deno.test("repeating an id sends the same message again, and the other side has it once", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2 });
  const { ada, bob } = here;
  const draft = ada.draft("once", "direct");
  const first = await sendMessage(await ada.room(), bob.account, draft);
  const again = await repeatMessage(await ada.room(), draft.id);
  assert.deepEqual(again.devices.map(({ receipt }) => [receipt!.seq, receipt!.duplicate]), [
    [first.devices[0].receipt!.seq, true],
  ]);
  const third = await sendMessage(await ada.room(), bob.account, draft);
  assert.equal(third.via, "mls");
  await assert.rejects(
    sendMessage(await ada.room(), bob.account, { ...ada.draft("other", "direct"), id: draft.id }),
    { code: "id_reused" },
  );
  assert.deepEqual(await bob.texts(), ["once"]);
});

Deno.test("killed between freezing and the relay's answer: the same bytes go out again and arrive once", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2 });
  const { ada, bob } = here;
  await ada.say(bob, "first");
  const room = await ada.room();
  const draft = ada.draft("second", "direct");
  const group = await ada.person.groups.direct(bob.account);
  const [frozen] = await ada.outbox.freeze(room.author, { group, recipient: bob.account }, [draft]);
  await ada.person.relay.send(frozen.envelopes[0].envelope); // and the answer never comes
  ada.renew();
  const { devices } = await repeatMessage(await ada.room(), draft.id);
  assert.equal(devices[0].receipt!.duplicate, true);
  await ada.say(bob, "third");
  assert.deepEqual(await bob.texts(), ["first", "second", "third"]);
});

Deno.test("reactions, edits and receipts are events and never messages, and are let go by themselves", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2 });
  const { ada, bob } = here;
  const { id } = await ada.say(bob, "hello");
  await bob.hear();
  await bob.say(ada, create(ContentSchema, { action: { case: "reaction", value: { target: id, emoji: "👍" } } }));
  const kept: string[] = [];
  const heard = await ada.hear({ onAction: (_, { content }) => void kept.push(content.action.case!) });
  assert.deepEqual(heard.map((event) => event.type === "action" && event.content.action.case), ["reaction"]);
  assert.deepEqual(kept, ["reaction"]);
  assert.deepEqual(await ada.hear(), [], "it was acknowledged");
});

Deno.test("a contact's message is answered by one receipt a page, a stranger's by none, a receipt by none", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2 });
  const { ada, bob } = here;
  const first = await ada.say(bob, "from a stranger");
  await bob.hear({ arrivals: await bob.receipts() });
  assert.deepEqual(await ada.hear({ arrivals: await ada.receipts() }), []);
  await bob.person.contacts.add("ada", ada.account);
  await ada.person.contacts.add("bob", bob.account);
  const sent = [await ada.say(bob, "one"), await ada.say(bob, "two")];
  await bob.hear({ arrivals: await bob.receipts() });
  const heard = await ada.hear({ arrivals: await ada.receipts() });
  const delivered = heard.flatMap((event) =>
    event.type === "action" && event.content.action.case === "receipts" ? [event.content.action.value.delivered] : []
  );
  assert.deepEqual(delivered, [sent.map(({ id }) => id)]);
  assert.ok(!delivered[0].some((id) => id.toHex() === first.id.toHex()));
  assert.deepEqual(await bob.hear(), [], "nobody answers a receipt");
});

Deno.test("what a blocked person says in a group stays silent and does not stay at the relay", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2, eve: 3 });
  const { ada, bob, eve } = here;
  const { group } = await ada.person.groups.create("ops", [bob.account, eve.account]);
  await bob.hear();
  await bob.person.contacts.add("eve", eve.account);
  await bob.person.contacts.block("eve", true);
  await eve.hear();
  await eve.say(group, "loud");
  await ada.say(group, "calm");
  assert.deepEqual(await bob.texts(), ["calm"]);
  assert.deepEqual(await bob.texts({ peek: true }), []);
});

Deno.test("a relay that drops a member's message shows as a gap; who joined later misses nothing", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2, eve: 3 });
  const { ada, bob, eve } = here;
  const { group } = await ada.person.groups.create("ops", [bob.account]);
  for (const text of ["1", "2", "3"]) await ada.say(group, text);
  await ada.person.groups.invite(group, [eve.account]);
  await ada.say(group, "4");
  assert.deepEqual(await bob.texts(), ["1", "2", "3", "4"]);
  assert.deepEqual(await eve.texts(), ["4"], "no gap of the three before");
  const streams = await eve.person.store.read(({ streams }) => streams.open());
  assert.deepEqual(streams, []);
});

Deno.test("lines into a group while commits go on: each arrives once and in order, in whatever epoch it was encrypted", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2, eve: 3 });
  const { ada, bob, eve } = here;
  const { group } = await ada.person.groups.create("ops", [bob.account, eve.account]);
  await bob.hear();
  const room = await ada.room();
  let caughtUp = 0;
  const groups = {
    ...room.groups!,
    bringTo: async (id: Uint8Array, epoch: number) => {
      caughtUp++;
      await room.groups!.bringTo(id, epoch);
    },
  };
  const source = { client: () => Promise.resolve(room.relay) };
  const texts = Array.from({ length: 90 }, (_, number) => `line ${number}`);
  async function* contents() {
    for (const [at, value] of texts.entries()) {
      yield create(ContentSchema, { body: { case: "text", value } });
      if (at % 30 === 29) await bob.person.groups.renewKeys(group);
    }
  }
  const tools = { source, groups, clock: ada.person.clock, random: systemRandom };
  const options = { ...room, ...tools, recipient: group, conversation: "group" as const };
  let accepted = 0;
  for await (const page of sendLines(options, contents())) accepted += page.length;
  assert.equal(accepted, texts.length);
  assert.ok(caughtUp > 0, "a commit was first at least once");
  assert.deepEqual(await eve.texts(), texts);
});

Deno.test("regression: who was blocked when a conversation began is heard after that, and is not told that nobody heard", async () => {
  await using here = await gather(Talker, { ada: 1, bob: { seed: 2, packages: 5 } });
  const { ada, bob } = here;
  await bob.person.contacts.add("ada", ada.account);
  await bob.person.contacts.block("ada", true);
  assert.equal((await ada.say(bob, "unwanted")).error, null);
  assert.ok((await bob.hear()).every(({ type }) => type !== "message"));
  assert.deepEqual(await bob.person.calls.listGroups(), [], "who blocks leaves at once");
  await bob.person.contacts.block("ada", false);
  const room = await ada.room();
  const tools = {
    source: { client: () => Promise.resolve(room.relay) },
    clock: ada.person.clock,
    random: systemRandom,
  };
  const options = { ...room, ...tools, groups: room.groups!, recipient: bob.account, conversation: "direct" as const };
  async function* contents() {
    yield create(ContentSchema, { body: { case: "text", value: "one of many" } });
  }
  await assert.rejects(Array.fromAsync(sendLines(options, contents())), { code: "no_such_recipient" });
  const { via, devices, error } = await ada.say(bob, "hello again");
  assert.deepEqual([via, devices.length, error], ["mls", 1, null]);
  assert.deepEqual(await bob.texts(), ["hello again"]);
  await bob.say(ada, "hi");
  assert.deepEqual(await ada.texts(), ["hi"]);
});
