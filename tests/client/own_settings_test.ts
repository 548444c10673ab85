/** What a person sets for a conversation is so on all their devices: the last change counts, and nothing hostile is kept. @module */
import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { Conversations, conversationWith } from "../../client/conversations.ts";
import { FOR_GOOD_MS, mute, MUTED, mutedConversations, mutedUntilMs } from "../../client/muted.ts";
import { takeSync } from "../../client/own_sync.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import type { ClientStore } from "../../client/storage/store.ts";
import { ContentSchema, type SyncedSettingSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { groupRelay } from "./group_people.ts";
import { OwnDevice } from "./own_device.ts";

const OWN = { account: new Uint8Array(32).fill(200), device: new Uint8Array(32).fill(201) };
const BOB = new Uint8Array(32).fill(1);

type Said = MessageInitShape<typeof SyncedSettingSchema>;

function openStore(): Promise<ClientStore> {
  return openSqliteStore({ path: ":memory:", key: new Uint8Array(32).fill(5) });
}

/** Another own device says so, in one message. */
function hear(store: ClientStore, settings: readonly Said[]) {
  const content = create(ContentSchema, { sync: { settings: [...settings] } });
  const where = { own: OWN, fromDevice: new Uint8Array(32).fill(202), relay: "relay.test", keepHistory: true };
  return store.write((tables) => takeSync(tables, { ...where, content, receivedAtMs: 5_000, nowMs: 6_000 }));
}

async function untilOf(store: ClientStore, conversation: Uint8Array = BOB): Promise<number> {
  return (await mutedConversations(store))(conversation);
}

/** Some conversation, another one for each number. */
function numbered(at: number): Uint8Array {
  const conversation = new Uint8Array(32);
  new DataView(conversation.buffer).setUint32(0, at);
  return conversation;
}

function isDirty(store: ClientStore): Promise<boolean> {
  return store.read(({ conversationSettings }) => conversationSettings.isDirty());
}

Deno.test("a conversation that was muted on one device is muted on the other, and rings there again when that is taken back", async () => {
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1);
  await using laptop = await OwnDevice.join(at, 1, 2);
  await phone.renew();
  const [here, there] = [phone.participant.store, laptop.participant.store];
  await mute(here, BOB, { untilMs: FOR_GOOD_MS, nowMs: 1_000 });
  await phone.step();
  await laptop.hear();
  assert.equal(await untilOf(there), FOR_GOOD_MS);
  // The other way round, by a clock that is behind; nothing comes back as an echo.
  await mute(there, BOB, { untilMs: 0, nowMs: 10 });
  await laptop.step();
  await phone.hear();
  assert.equal(await untilOf(here), 0);
  // Both know everything of each other by now: this alone is to be told.
  await mute(here, BOB, { untilMs: 9_000, nowMs: 1_000 });
  await phone.step();
  await laptop.hear();
  assert.equal(await untilOf(there), 9_000);
  assert.deepEqual([await isDirty(here), await isDirty(there)], [false, false]);
});

Deno.test("a device that comes later is told what is muted, and that counts among what it is told", async () => {
  const details: string[] = [];
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1, { details });
  await mute(phone.participant.store, BOB, { untilMs: 9_000, nowMs: 1_000 });
  await phone.participant.contacts.add("bob", BOB);
  await phone.step();
  await using laptop = await OwnDevice.join(at, 1, 2);
  await phone.renew();
  await phone.step();
  await laptop.hear();
  assert.equal(await untilOf(laptop.participant.store), 9_000);
  assert.deepEqual(details.filter((line) => line.startsWith("told")), [
    "told the other devices of this account what changed here (2)",
  ]);
  await using tablet = await OwnDevice.join(at, 1, 3);
  await laptop.renew();
  await laptop.step();
  await tablet.hear();
  assert.equal(await untilOf(tablet.participant.store), 9_000);
});

Deno.test("more settings than one message takes are all told", async () => {
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1);
  await using laptop = await OwnDevice.join(at, 1, 2);
  await phone.renew();
  await phone.participant.store.write(({ conversationSettings }) => {
    for (let at = 0; at < 401; at++) {
      conversationSettings.put({ conversation: numbered(at), name: MUTED, value: "5", changedAtMs: 1 });
    }
  });
  await phone.step();
  await laptop.hear();
  const there = await laptop.participant.store.read(({ conversationSettings }) => conversationSettings.all(MUTED));
  assert.equal(there.length, 401);
  assert.equal(await isDirty(phone.participant.store), false);
});

Deno.test("devices that hear the same in any order and cut believe the same, and have nothing to tell", async () => {
  const said = fc.record({
    conversation: fc.integer({ min: 1, max: 3 }).map((seed) => new Uint8Array(32).fill(seed)),
    name: fc.constantFrom(MUTED, MUTED, "a setting of a newer qight"),
    value: fc.constantFrom("", "1", "2", "10", String(FOR_GOOD_MS)),
    changedAtMs: fc.integer({ min: 1, max: 4 }).map(BigInt),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(said, { maxLength: 12 }), fc.infiniteStream(fc.nat()), async (all, chance) => {
      const states: unknown[] = [];
      const keys = new Map(all.map((one) => [one, chance.next().value!]));
      for (const order of [all, all.toSorted((a, b) => keys.get(a)! - keys.get(b)!)]) {
        await using store = await openStore();
        for (let at = 0, next; at < order.length; at = next) {
          next = at + 1 + (chance.next().value! % 4);
          assert.deepEqual(await hear(store, order.slice(at, next)), []);
        }
        assert.equal(await isDirty(store), false);
        states.push(await store.read(({ conversationSettings }) => conversationSettings.all(MUTED)));
      }
      assert.deepEqual(states[0], states[1]);
      for (const { conversation, changedAtMs } of states[0] as { conversation: Uint8Array; changedAtMs: number }[]) {
        const last = all.filter((one) => one.name === MUTED && one.conversation.toHex() === conversation.toHex())
          .reduce((most, one) => Math.max(most, Number(one.changedAtMs)), 0);
        assert.equal(changedAtMs, last);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("a change made here counts, though another device's clock is far ahead; what was told before stays old", async () => {
  await using store = await openStore();
  const theirs = [{ conversation: BOB, name: MUTED, value: "7", changedAtMs: 9_000_000_000_000n }];
  await hear(store, theirs);
  await mute(store, BOB, { untilMs: 0, nowMs: 1_000 });
  await hear(store, theirs);
  assert.equal(await untilOf(store), 0);
  assert.equal(await isDirty(store), true);
});

Deno.test("a change that happens while the one before is under way is still to be told", async () => {
  await using store = await openStore();
  await mute(store, BOB, { untilMs: 7, nowMs: 1_000 });
  const first = await store.read(({ conversationSettings }) => conversationSettings.dirty(9));
  await mute(store, BOB, { untilMs: 0, nowMs: 1_000 });
  await store.write(({ conversationSettings }) => conversationSettings.told(first));
  assert.equal(await isDirty(store), true);
});

Deno.test("attack: settings that nobody knows, of no conversation, without a time or with a value that says nothing are left out", async () => {
  await using store = await openStore();
  const good = { conversation: BOB, name: MUTED, value: "7", changedAtMs: 5n };
  const hostile: Said[] = [
    { ...good, conversation: new Uint8Array(31) },
    { ...good, conversation: new Uint8Array(0) },
    { ...good, name: "x".repeat(10_000) },
    { ...good, name: "" },
    { ...good, changedAtMs: 2n ** 64n - 1n },
    ...["-1", "0", "07", "1e3", "0x10", " 7", "7\n", "NaN", "for ever", "9".repeat(16), "1".repeat(100_000)].map((
      value,
    ) => ({
      ...good,
      value,
    })),
  ];
  assert.deepEqual(await hear(store, hostile), []);
  const rows = () =>
    store.write(({ conversationSettings }) => {
      conversationSettings.dirtyAll();
      return conversationSettings.dirty(100);
    });
  assert.deepEqual(await rows(), []);
  assert.deepEqual(await hear(store, [...hostile, good]), []);
  assert.deepEqual((await rows()).map(({ value }) => value), ["7"]);
});

Deno.test("attack: a device that makes up conversations without end fills no disk, and what is set here counts all the same", async () => {
  await using store = await openStore();
  const madeUp = (at: number) => ({ conversation: numbered(at), name: MUTED, value: "7", changedAtMs: 5n });
  for (let at = 0; at < 11_000; at += 1_000) {
    await hear(store, Array.from({ length: 1_000 }, (_, more) => madeUp(at + more)));
  }
  assert.equal((await store.read(({ conversationSettings }) => conversationSettings.all(MUTED))).length, 10_000);
  await hear(store, [{ ...madeUp(0), value: "8", changedAtMs: 6n }]);
  assert.equal(await untilOf(store, madeUp(0).conversation), 8, "what is known still changes");
  await mute(store, new Uint8Array(32).fill(255), { untilMs: 9, nowMs: 1 });
  assert.equal(await untilOf(store, new Uint8Array(32).fill(255)), 9);
});

Deno.test("a list of conversations says until when each is muted", async () => {
  await using at = await groupRelay();
  await using ada = await OwnDevice.join(at, 1, 1);
  await using bob = await OwnDevice.join(at, 3, 3);
  await bob.say(ada.account, "hello");
  await ada.hear();
  const { store, contacts } = ada.participant;
  const muted = async () =>
    (await new Conversations({ store, contacts, own: ada.account }).list())
      .map(({ key, mutedUntilMs }) => [key, mutedUntilMs]);
  assert.deepEqual(await muted(), [[conversationWith(bob.account), 0]]);
  await mute(store, bob.account, { untilMs: 1e300, nowMs: 1 });
  assert.deepEqual(await muted(), [[conversationWith(bob.account), FOR_GOOD_MS]]);
});

Deno.test("a value says a moment in digits, and everything that mute writes is one", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: FOR_GOOD_MS }), (ms) => assert.equal(mutedUntilMs(String(ms)), ms)));
  assert.equal(mutedUntilMs(String(FOR_GOOD_MS + 1)), null);
  assert.equal(mutedUntilMs(""), 0);
});
