/** Sending: durable first, exact repeats, nothing left behind after a sure failure. @module */
import assert from "node:assert/strict";
import { flushQueue, repeatMessage, sendMessage } from "../../client/send.ts";
import { QightError } from "../../proto/errors.ts";
import { MailRelay } from "./mail_relay.ts";
import { openStore, Person } from "./person.ts";
import { TestClock } from "./test_clock.ts";

async function two() {
  const mail = new MailRelay(new TestClock());
  return { mail, ada: await Person.join(mail, 1), bob: await Person.join(mail, 2) };
}

async function texts(person: Person): Promise<string[]> {
  const seen: string[] = [];
  const { inbox } = person;
  for await (const event of inbox.read()) {
    if (event.type === "message") {
      seen.push(String(event.content.body.value));
      await inbox.printing(event);
      await inbox.shown(event);
    } else if (event.type !== "caught_up") seen.push(event.type);
  }
  return seen;
}

Deno.test("a message arrives, is shown once and is acknowledged", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const { error, devices } = await sendMessage(ada.room, bob.account, ada.draft("hello"));
  assert.equal(error, null);
  assert.equal(devices[0].receipt!.seq, 1);
  assert.deepEqual(await texts(bob), ["hello"]);
  assert.deepEqual(mail.acknowledged, [1]);
  assert.deepEqual(await texts(bob), []);
});

Deno.test("the bytes are in the store before the first of them goes out", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const draft = ada.draft("durable");
  const order: string[] = [];
  const { store } = ada;
  ada.store = {
    read: (work) => store.read(work),
    async write(work) {
      const result = await store.write(work);
      if (await store.read(({ outbox }) => outbox.envelopes(draft.id).length) > 0) order.push("kept");
      return result;
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
  mail.beforeStore = () => void order.push("on the wire");
  await sendMessage(ada.room, bob.account, draft);
  assert.deepEqual(order.slice(0, 2), ["kept", "on the wire"]);
});

Deno.test("an unknown outcome holds the message, and repeating sends exactly its bytes", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  mail.beforeStore = () => "store_then_break";
  const draft = ada.draft("once");
  await assert.rejects(sendMessage(ada.room, bob.account, draft), { code: "unreachable" });
  assert.equal((await ada.outbox.get(draft.id))!.row.state, "held");
  mail.beforeStore = () => {};
  await ada.connect();
  assert.deepEqual([...await collect(flushQueue(ada.room))], [], "held messages are never flushed");
  await repeatMessage(ada.room, draft.id);
  assert.deepEqual(mail.received[0], mail.received[1]);
  assert.deepEqual(await texts(bob), ["once"]);
  assert.equal((await ada.outbox.get(draft.id))!.row.state, "sent");
});

Deno.test("a repeat that is refused keeps the message: the first try may have arrived", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  mail.beforeStore = () => "break";
  const draft = ada.draft("perhaps");
  await assert.rejects(sendMessage(ada.room, bob.account, draft), { code: "unreachable" });
  await ada.connect();
  mail.beforeStore = () => {
    throw new QightError("rate_limited");
  };
  assert.equal((await repeatMessage(ada.room, draft.id)).error!.code, "rate_limited");
  assert.equal((await sendMessage(ada.room, bob.account, draft)).error!.code, "rate_limited");
  assert.equal((await ada.outbox.get(draft.id))!.row.state, "held");
});

Deno.test("a message above the relay's limit is message_too_large before anything is sealed", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const draft = ada.draft("x".repeat(262_145));
  await assert.rejects(sendMessage(ada.room, bob.account, draft), /this relay takes 262144/);
  assert.equal(await ada.outbox.get(draft.id), null);
  assert.equal(mail.received.length, 0);
});

Deno.test("a sure refusal leaves nothing behind and its number becomes void, not a gap", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  mail.beforeStore = () => {
    throw new QightError("queue_full");
  };
  const draft = ada.draft("refused");
  const { error } = await sendMessage(ada.room, bob.account, draft);
  assert.equal(error!.code, "queue_full");
  assert.equal(await ada.outbox.get(draft.id), null);
  await assert.rejects(repeatMessage(ada.room, draft.id), { code: "no_input" });
  mail.beforeStore = () => {};
  await sendMessage(ada.room, bob.account, ada.draft("second"));
  mail.clock.advance(120_000);
  assert.deepEqual(await texts(bob), ["second"]);
});

Deno.test("a known id with another message is id_reused; with the same message nothing is sent twice", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const draft = ada.draft("one");
  await sendMessage(ada.room, bob.account, draft);
  await assert.rejects(sendMessage(ada.room, bob.account, ada.draft("two", draft.id)), { code: "id_reused" });
  const again = await sendMessage(ada.room, bob.account, ada.draft("one", draft.id));
  assert.equal(again.devices[0].receipt!.seq, 1);
  assert.equal(mail.received.length, 1);
});

Deno.test("queued messages keep their content, are sealed when they go out, and go in order", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  for (const text of ["a", "b", "c"]) await ada.outbox.queue(bob.account, ada.draft(text));
  const [first] = await ada.outbox.queued();
  assert.ok((await ada.outbox.get(first))!.row.content);
  assert.deepEqual((await ada.outbox.get(first))!.envelopes, []);
  mail.beforeStore = (_envelope, count) => count === 2 ? "break" : undefined;
  await assert.rejects(collect(flushQueue(ada.room)), { code: "unreachable" });
  await ada.connect();
  assert.equal((await collect(flushQueue(ada.room))).length, 2);
  assert.deepEqual(mail.received[1], mail.received[2], "the one that broke off goes out with the same bytes");
  assert.deepEqual(await texts(bob), ["a", "b", "c"]);
});

Deno.test("a recipient that is full keeps its queued messages; others get theirs", async () => {
  const { mail, ada, bob } = await two();
  const eve = await Person.join(mail, 3);
  await using _ada = ada, _bob = bob, _eve = eve;
  await ada.outbox.queue(bob.account, ada.draft("to bob"));
  await ada.outbox.queue(bob.account, ada.draft("to bob too"));
  await ada.outbox.queue(eve.account, ada.draft("to eve"));
  mail.beforeStore = (_envelope, count) => {
    if (count === 1) throw new QightError("queue_full");
  };
  const deliveries = await collect(flushQueue(ada.room));
  assert.deepEqual(deliveries.map(({ error }) => error?.code), ["queue_full", undefined]);
  assert.equal((await ada.outbox.queued()).length, 2);
  await collect(flushQueue(ada.room));
  assert.deepEqual(await texts(bob), ["to bob", "to bob too"]);
});

Deno.test("each device of an account gets an envelope of its own under one id", async () => {
  const { mail, ada, bob } = await two();
  const phone = await Person.join(mail, 2, ":memory:", 7);
  await using _ada = ada, _bob = bob, _phone = phone;
  const draft = ada.draft("both");
  mail.beforeStore = (_envelope, count) => {
    if (count === 2) throw new QightError("queue_full");
  };
  const { devices, error } = await sendMessage(ada.room, bob.account, draft);
  assert.equal(devices.length, 2);
  assert.equal(error!.code, "queue_full");
  const repeated = await repeatMessage(ada.room, draft.id);
  assert.equal(repeated.error, null);
  assert.equal(mail.received.length, 3, "only the missing device is sent to again");
  assert.deepEqual(await texts(bob), ["both"]);
  assert.deepEqual(await texts(phone), ["both"]);
});

Deno.test("an account that the relay does not know is no_such_recipient, and nothing is kept", async () => {
  const { ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const draft = ada.draft("nobody");
  await assert.rejects(sendMessage(ada.room, new Uint8Array(32), draft), { code: "no_such_recipient" });
  assert.equal(await ada.outbox.get(draft.id), null);
});

for (const step of ["frozen", "on the wire", "stored, answer lost", "accepted, not settled"]) {
  Deno.test(`a client that dies when a message is ${step} repeats identical bytes`, async () => {
    const path = await Deno.makeTempFile({ suffix: ".db" });
    const mail = new MailRelay(new TestClock());
    await using bob = await Person.join(mail, 2);
    const ada = await Person.join(mail, 1, path);
    const draft = ada.draft("crash");
    const recipient = await ada.directory.lookUp(ada.relay, bob.account);
    const [frozen] = await ada.outbox.freeze(ada.author, recipient, [draft]);
    const { envelope } = frozen.envelopes[0];
    if (step === "accepted, not settled") await ada.relay.send(envelope);
    else if (step !== "frozen") {
      mail.beforeStore = () => step === "on the wire" ? "break" : "store_then_break";
      await assert.rejects(ada.relay.send(envelope), { code: "unreachable" });
    }
    mail.beforeStore = () => {};
    await ada.store[Symbol.asyncDispose]();
    ada.store = await openStore(path);
    await ada.connect();
    await repeatMessage(ada.room, draft.id);
    for (const bytes of mail.received) assert.deepEqual(bytes, envelope);
    assert.deepEqual(await texts(bob), ["crash"]);
    await ada[Symbol.asyncDispose]();
    await Deno.remove(path);
  });
}

Deno.test("held messages go after max_ttl, and their numbers are void", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  mail.beforeStore = () => "break";
  const draft = ada.draft("lost");
  await assert.rejects(sendMessage(ada.room, bob.account, draft), { code: "unreachable" });
  mail.beforeStore = () => {};
  mail.clock.advance(mail.maxTtlS * 1000 + 11 * 60_000);
  await ada.outbox.purge(mail.maxTtlS * 1000);
  assert.equal(await ada.outbox.get(draft.id), null);
  await bob.connect();
  await ada.connect();
  await sendMessage(ada.room, bob.account, ada.draft("later"));
  mail.clock.advance(61_000);
  assert.deepEqual(await texts(bob), ["later"]);
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
