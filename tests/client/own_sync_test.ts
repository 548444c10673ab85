/** Devices of one account keep in step: the last change counts, names keep meaning whom they meant, and nobody else has a say. @module */
import assert from "node:assert/strict";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { conversationOfGroup, conversationWith } from "../../client/conversations.ts";
import { History } from "../../client/history.ts";
import { MOST_ENTRIES, takeSync } from "../../client/own_sync.ts";
import { newerContact, syncedContact } from "../../client/own_sync/contact.ts";
import { ownDraft, sayToOwn } from "../../client/own_sync/room.ts";
import { sendMessage } from "../../client/send.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import type { ClientStore, OwnContact } from "../../client/storage/store.ts";
import { QightError } from "../../proto/errors.ts";
import { ContentSchema, SyncSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { groupRelay } from "./group_people.ts";
import { OwnDevice } from "./own_device.ts";

const OWN = { account: new Uint8Array(32).fill(200), device: new Uint8Array(32).fill(201) };
const OTHER = new Uint8Array(32).fill(202);

function openStore(): Promise<ClientStore> {
  return openSqliteStore({ path: ":memory:", key: new Uint8Array(32).fill(5) });
}

/** Few accounts, names and times, so that they meet. */
const contacts = fc.record({
  account: fc.integer({ min: 1, max: 4 }).map((seed) => new Uint8Array(32).fill(seed)),
  name: fc.constantFrom("ada", "bob", "Bob", "eve"),
  verified: fc.boolean(),
  blocked: fc.boolean(),
  addedAtMs: fc.integer({ min: 1, max: 3 }),
  changedAtMs: fc.integer({ min: 1, max: 4 }),
  removed: fc.boolean(),
}).map((one): OwnContact => one.removed ? { ...one, name: "", verified: false, blocked: false, addedAtMs: 0 } : one);

function said(sync: MessageInitShape<typeof SyncSchema>) {
  const content = create(ContentSchema, { sync: create(SyncSchema, sync) });
  const where = { own: OWN, fromDevice: OTHER, relay: "relay.test", keepHistory: true };
  return { ...where, content, receivedAtMs: 5_000, nowMs: 6_000 };
}

function bytesOf(contact: OwnContact): string {
  return toBinary(SyncSchema, create(SyncSchema, { contacts: [syncedContact(contact)] })).toHex();
}

Deno.test("of two states of a contact the same one counts, whoever compares them, in any order", () => {
  const same = (a: OwnContact, b: OwnContact) => bytesOf(a) === bytesOf(b);
  fc.assert(fc.property(contacts, contacts, contacts, (a, b, c) => {
    assert.ok(same(newerContact(a, a), a));
    assert.ok(same(newerContact(a, b), newerContact(b, a)));
    assert.ok(same(newerContact(newerContact(a, b), c), newerContact(a, newerContact(b, c))));
    assert.equal(newerContact(a, b).changedAtMs, Math.max(a.changedAtMs, b.changedAtMs));
  }));
});

Deno.test("devices that hear the same in any order and cut believe the same of each contact, and are not dirty", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(contacts, { maxLength: 12 }), fc.infiniteStream(fc.nat()), async (all, chance) => {
      const states: unknown[] = [];
      for (const order of [all, shuffled(all, chance)]) {
        await using store = await openStore();
        for (let at = 0, next; at < order.length; at = next) {
          next = at + 1 + (chance.next().value! % 4);
          const batch = said({ contacts: order.slice(at, next).map(syncedContact) });
          await store.write((tables) => takeSync(tables, batch));
        }
        states.push(
          await store.read(({ ownChanges, contacts }) => {
            assert.equal(ownChanges.isDirty(), false);
            // Whoever has a name here is who the devices agree on.
            for (const { account, name, verified, blocked } of contacts.all()) {
              const state = ownChanges.contact(account)!;
              assert.equal(state.removed, false);
              assert.deepEqual([verified, blocked], [state.verified, state.blocked], name);
            }
            return [1, 2, 3, 4].map((seed) => {
              const state = ownChanges.contact(new Uint8Array(32).fill(seed));
              return state && bytesOf(state);
            });
          }),
        );
      }
      assert.deepEqual(states[0], states[1]);
    }),
    { numRuns: 60 },
  );
});

Deno.test("a contact that was added, verified, renamed, blocked and removed is so on the other device", async () => {
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1);
  await using laptop = await OwnDevice.join(at, 1, 2);
  await using bob = await OwnDevice.join(at, 3, 3);
  await phone.renew();
  const mine = phone.participant.contacts, theirs = laptop.participant.contacts;
  const told = async () => {
    await phone.step();
    await laptop.hear();
    return (await theirs.list()).map(({ name, verified, blocked }) => [name, verified, blocked]);
  };
  await mine.add("bob", bob.account);
  assert.deepEqual(await told(), [["bob", false, false]]);
  await mine.verify("bob", bob.account);
  assert.deepEqual(await told(), [["bob", true, false]]);
  await mine.rename("bob", "robert");
  assert.deepEqual(await told(), [["robert", true, false]]);
  await mine.block("robert", true);
  assert.deepEqual(await told(), [["robert", true, true]]);
  // The other way round, and nothing comes back as an echo.
  await theirs.block("robert", false);
  await laptop.step();
  await phone.hear();
  assert.equal((await mine.get("robert")).blocked, false);
  await theirs.remove("robert");
  await laptop.step();
  await phone.hear();
  assert.deepEqual(await mine.list(), []);
  for (const { participant } of [phone, laptop]) {
    assert.equal(await participant.store.read(({ ownChanges }) => ownChanges.isDirty()), false);
  }
});

Deno.test("a device that comes later is told everything; an account with one device tells nobody", async () => {
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1);
  await phone.participant.contacts.add("bob", new Uint8Array(32).fill(9));
  await phone.step();
  assert.equal(await phone.participant.store.read(({ groups }) => groups.all().length), 0);
  await using laptop = await OwnDevice.join(at, 1, 2);
  await phone.renew();
  await phone.step();
  await laptop.hear();
  assert.deepEqual((await laptop.participant.contacts.list()).map(({ name }) => name), ["bob"]);
  await using tablet = await OwnDevice.join(at, 1, 3);
  await laptop.renew();
  await laptop.step();
  await tablet.hear();
  assert.deepEqual((await tablet.participant.contacts.list()).map(({ name }) => name), ["bob"]);
});

Deno.test("a name keeps meaning whom it meant: somebody else's from another device waits for digits, and one line says so", async () => {
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1);
  await using laptop = await OwnDevice.join(at, 1, 2);
  await phone.renew();
  const [here, there] = [new Uint8Array(32).fill(8), new Uint8Array(32).fill(9)];
  await laptop.participant.contacts.add("bob", here, { verified: true });
  await phone.participant.contacts.add("bob", there);
  await phone.step();
  const heard = await laptop.hear();
  assert.deepEqual(heard, [{ type: "contact_offered", name: "bob", account: there }]);
  const kept = await laptop.participant.contacts.get("bob");
  assert.deepEqual([kept.account, kept.verified, kept.offered], [here, true, there]);
  await assert.rejects(
    () => laptop.participant.contacts.reachable("bob"),
    (error: unknown) => error instanceof QightError && error.code === "key_changed",
  );
  // The other device gives the name up: now it is free for whom it was offered.
  await laptop.participant.contacts.rename("bob", "bob-work");
  await laptop.step();
  await phone.hear();
  assert.deepEqual((await phone.participant.contacts.get("bob-work")).account, here);
  assert.deepEqual((await phone.participant.contacts.get("bob")).account, there);
});

Deno.test("what was read on one device is read on the other, also what arrives there later", async () => {
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1);
  await using laptop = await OwnDevice.join(at, 1, 2);
  await using bob = await OwnDevice.join(at, 3, 3);
  await phone.renew();
  await bob.say(phone.account, "one");
  await phone.hear();
  await laptop.hear();
  await bob.say(phone.account, "two");
  await phone.hear();
  assert.deepEqual(await laptop.unread(bob.account), ["one"]);
  await phone.read(bob.account);
  await phone.step();
  await bob.say(phone.account, "three");
  const heard = await laptop.hear();
  assert.ok(heard.some(({ type }) => type === "read_elsewhere"));
  assert.deepEqual(await laptop.unread(bob.account), ["three"]);
  await laptop.step();
  assert.equal(await laptop.participant.store.read(({ ownChanges }) => ownChanges.isDirty()), false);
});

Deno.test("a line that comes behind the word that it was read is read; one that the relay took later is not", async () => {
  await using store = await openStore();
  const peer = new Uint8Array(32).fill(1);
  const history = new History({ store, clock: { now: () => 7_000 }, own: OWN });
  const arrive = (id: number, sentAtMs: number, receivedAtMs: number) =>
    store.write((tables) => {
      const { content } = said({});
      content.body = { case: "text", value: "x" };
      const common = { type: "message", from: peer, fromDevice: peer, seq: id, via: "mls", content } as const;
      const ids = { id: new Uint8Array(16).fill(id), bodyHash: new Uint8Array(32), verified: true, redelivered: false };
      history.arrived(tables, [{
        ...common,
        ...ids,
        sentAtMs,
        receivedAtMs,
        in: { kind: "direct", peer },
        franked: null,
      }]);
      return tables.history.last(conversationWith(peer), 1)[0].state;
    });
  await store.write((tables) => takeSync(tables, said({ reads: [{ conversation: peer, readUntilMs: 4_000n }] })));
  assert.equal(await arrive(1, 3_000, 4_500), "read");
  assert.equal(await arrive(2, 4_001, 4_500), "unread");
  // Its sender's clock is slow: nobody can have read it before the relay had it.
  assert.equal(await arrive(3, 3_000, 5_001), "unread");
});

Deno.test("what was said on one device stands on the other as sent, and is not unread", async () => {
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1);
  await using laptop = await OwnDevice.join(at, 1, 2);
  await using bob = await OwnDevice.join(at, 3, 3);
  await phone.renew();
  await phone.say(bob.account, "from the phone");
  await laptop.hear();
  const [line] = await laptop.participant.history.last(conversationWith(bob.account), 9);
  assert.deepEqual([line.text, line.state], ["from the phone", "sent"]);
});

Deno.test("attack: what looks like a device's word and comes from somebody else changes nothing", async () => {
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1);
  await using bob = await OwnDevice.join(at, 3, 3);
  const sync = { contacts: [syncedContact({ ...contact("mallory", 9), changedAtMs: Date.now() })] };
  const content = create(ContentSchema, { sync });
  const draft = ownDraft(bob.own, content);
  // In the conversation of the two, and sealed.
  await sendMessage(bob.room, phone.account, { ...draft, conversation: "direct" });
  const spoken = create(ContentSchema, { sync, body: { case: "text", value: "hello" } });
  const { conversation: _, ...sealed } = ownDraft(bob.own, spoken);
  await sendMessage(bob.room, phone.account, sealed);
  const heard = await phone.hear();
  assert.deepEqual(
    heard.map((event) => event.type === "unreadable" ? event.reason : event.type).toSorted(),
    ["unknown_content", "unknown_content"],
  );
  assert.deepEqual(await phone.participant.contacts.list(), []);
  assert.equal((await phone.participant.history.last(undefined, 9)).length, 0);
});

Deno.test("attack: in the own conversation a word with a body beside it is none, and is not shown either", async () => {
  await using at = await groupRelay();
  await using phone = await OwnDevice.join(at, 1, 1);
  await using laptop = await OwnDevice.join(at, 1, 2);
  await phone.renew();
  const sync = { contacts: [syncedContact({ ...contact("bob", 9), changedAtMs: 7 })] };
  const content = create(ContentSchema, { sync, body: { case: "text", value: "hello" } });
  await sayToOwn(phone.own, await phone.own.openOwn(), ownDraft(phone.own, content));
  const heard = await laptop.hear();
  assert.deepEqual(heard.map((event) => event.type === "unreadable" && event.reason), ["unknown_content"]);
  assert.deepEqual(await laptop.participant.contacts.list(), []);
});

Deno.test("what cannot be a contact or a read mark is left out, and a message with too many entries as a whole", async () => {
  await using store = await openStore();
  const good = syncedContact(contact("bob", 1));
  const bad = [
    { ...good, account: new Uint8Array(31) },
    { ...good, account: new Uint8Array(32).fill(2), name: "two words" },
    { ...good, account: new Uint8Array(32).fill(3), name: "" },
    { ...good, account: new Uint8Array(32).fill(4), name: "qid1qqqqqqqqqqqqqqqqqqqqqqqqqqqqq" },
    { ...good, account: new Uint8Array(32).fill(5), changedAtMs: 2n ** 63n },
    { ...good, account: OWN.account },
  ];
  const reads = [
    { conversation: new Uint8Array(31), readUntilMs: 5n },
    { conversation: new Uint8Array(32), readUntilMs: 2n ** 64n - 1n },
  ];
  const names = async (sync: Parameters<typeof said>[0]) => {
    assert.deepEqual(await store.write((tables) => takeSync(tables, said(sync))), []);
    return await store.read(({ contacts }) => contacts.all().map(({ name }) => name));
  };
  assert.deepEqual(await names({ contacts: bad, reads }), []);
  assert.equal(await store.read(({ ownChanges }) => ownChanges.read(new Uint8Array(32))), null);
  assert.deepEqual(await names({ contacts: new Array(MOST_ENTRIES + 1).fill(good) }), []);
  assert.deepEqual(await names({ contacts: [good] }), ["bob"]);
});

Deno.test("a change made here counts, though another device's clock is far ahead; what was told before stays old", async () => {
  await using store = await openStore();
  const ahead = Date.now() + 9e9;
  const theirs = said({ contacts: [syncedContact({ ...contact("bob", 1), changedAtMs: ahead })] });
  await store.write((tables) => takeSync(tables, theirs));
  await store.write(({ contacts }) => contacts.put({ ...contacts.get("bob")!, blocked: true }));
  const { contacts: dirty } = await store.read(({ ownChanges }) => ownChanges.dirty(9));
  assert.deepEqual(dirty.map(({ blocked, changedAtMs }) => [blocked, changedAtMs > ahead]), [[true, true]]);
  await store.write((tables) => takeSync(tables, theirs));
  assert.equal(await store.read(({ contacts }) => contacts.get("bob")!.blocked), true);
});

Deno.test("a change that happens while the one before is under way is still to be told", async () => {
  await using store = await openStore();
  const put = (blocked: boolean) =>
    store.write(({ contacts }) => contacts.put({ ...contact("bob", 1), blocked, offered: null }));
  await put(false);
  const first = await store.read(({ ownChanges }) => ownChanges.dirty(9));
  await put(true);
  await store.write(({ ownChanges }) => ownChanges.told(first.contacts, first.reads));
  assert.equal(await store.read(({ ownChanges }) => ownChanges.isDirty()), true);
});

Deno.test("a read mark reaches a group as well as a person, and never goes back", async () => {
  await using store = await openStore();
  const [peer, group] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const keys = [conversationWith(peer), conversationOfGroup(group)];
  await store.write(({ history }) => {
    keys.forEach((conversation, at) =>
      [10, 20, 30].forEach((atMs) =>
        history.add(
          {
            conversation,
            author: peer,
            device: peer,
            id: new Uint8Array(16).fill(atMs + at),
            atMs,
            state: "unread",
            verified: true,
            text: "x",
          },
          [],
          1,
        )
      )
    );
  });
  const unread = () => store.read(({ history }) => keys.map((key) => history.inState("unread", key).length));
  const mark = (readUntilMs: bigint) => {
    const reads = [{ conversation: peer, readUntilMs }, { conversation: group, readUntilMs }];
    return store.write((tables) => takeSync(tables, said({ reads })));
  };
  assert.deepEqual(await mark(20n), [{ type: "read_elsewhere", lines: 4 }]);
  assert.deepEqual(await unread(), [1, 1]);
  assert.deepEqual(await mark(10n), []);
  assert.equal((await store.read(({ ownChanges }) => ownChanges.read(peer)))!.readUntilMs, 20);
});

function contact(name: string, seed: number): OwnContact {
  const account = new Uint8Array(32).fill(seed);
  return { account, name, verified: false, blocked: false, addedAtMs: 1, changedAtMs: 2, removed: false };
}

function shuffled<T>(all: readonly T[], chance: Iterator<number>): T[] {
  const left = [...all];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(chance.next().value! % left.length, 1));
  return order;
}
