/** Reading: once, attributed, with everything missing or strange told. @module */
import assert from "node:assert/strict";
import { CONTENT_SEALED, signEnvelope } from "../../crypto/envelope.ts";
import { signBundle } from "../../crypto/bundle.ts";
import type { Inbox, InboxEvent, InboxMessage } from "../../client/inbox.ts";
import { renewLineages } from "../../client/outbox.ts";
import { ensurePublished } from "../../client/publish.ts";
import { sendMessage } from "../../client/send.ts";
import { MailRelay } from "./mail_relay.ts";
import { openStore, Person } from "./person.ts";
import { TestClock } from "./test_clock.ts";

async function two() {
  const mail = new MailRelay(new TestClock());
  return { mail, ada: await Person.join(mail, 1), bob: await Person.join(mail, 2) };
}

async function read(person: Person, options: Parameters<Inbox["read"]>[0] = {}, show = true): Promise<InboxEvent[]> {
  const events: InboxEvent[] = [];
  const { inbox } = person;
  for await (const event of inbox.read(options)) {
    events.push(event);
    if (event.type === "message" && show) {
      await inbox.printing(event);
      await inbox.shown(event);
    }
  }
  return events;
}

function summary(events: InboxEvent[]): string[] {
  return events.map((event) =>
    event.type === "message"
      ? `message ${event.content.body.value}`
      : event.type === "gap"
      ? `gap ${event.first}-${event.last}`
      : event.type === "unreadable"
      ? `unreadable ${event.reason}`
      : event.type
  );
}

async function send(from: Person, to: Person, text: string): Promise<void> {
  assert.equal((await sendMessage(from.room, to.account, from.draft(text))).error, null);
}

Deno.test("a message says who sent it, from which device, and when", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "hello");
  const [message, end] = await read(bob) as [InboxMessage, InboxEvent];
  assert.deepEqual(message.from, ada.account);
  assert.deepEqual(message.fromDevice, ada.device);
  assert.equal(message.sentAtMs, mail.clock.now());
  assert.equal(message.verified, true);
  assert.equal(message.redelivered, false);
  assert.deepEqual(end, { type: "caught_up", lastSeq: 1 });
});

Deno.test("what was printing when the reader died comes again as redelivered; what was shown does not", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "shown");
  await send(ada, bob, "printing");
  const first = bob.inbox;
  for await (const event of first.read()) {
    if (event.type !== "message") continue;
    await first.printing(event);
    if (event.content.body.value === "printing") break; // dies here
    const ack = mail.acknowledged.length;
    await first.shown(event);
    assert.equal(mail.acknowledged.length, ack, "acknowledgements do not hold up the reader");
  }
  const again = await read(bob);
  assert.deepEqual(summary(again), ["message printing", "caught_up"]);
  assert.equal((again[0] as InboxMessage).redelivered, true);
  assert.deepEqual(mail.acknowledged.toSorted(), [1, 2]);
});

Deno.test("peeking changes nothing", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "still there");
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(summary(await read(bob, { peek: true }, false)), ["message still there", "caught_up"]);
  }
  const { inbox } = bob;
  for (const peek of [true, false]) {
    const seen: InboxEvent[] = [];
    for await (const event of inbox.read({ peek })) seen.push(event);
    assert.deepEqual(summary(seen), ["message still there", "caught_up"]);
  }
  assert.deepEqual(mail.acknowledged, []);
  assert.deepEqual(summary(await read(bob, { max: 1 })), ["message still there"]);
});

Deno.test("regression: at most max messages are given, also when they arrive in several pages of one session", async () => {
  const { ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  for (const text of ["1", "2"]) await send(ada, bob, text);
  const { inbox } = bob;
  const sizes: number[] = [];
  for await (const page of inbox.pages({ follow: true, max: 3 })) {
    const messages = page.filter((event) => event.type === "message");
    if (messages.length > 0) sizes.push(messages.length);
    await inbox.shown(...messages);
    for (const text of ["3", "4", "5"]) if (sizes.length === 1) await send(ada, bob, text);
  }
  assert.ok(sizes.length > 1, "one page alone proves nothing");
  assert.equal(sizes.reduce((sum, size) => sum + size), 3);
  assert.deepEqual(summary(await read(bob)).slice(-3), ["message 4", "message 5", "caught_up"]);
});

Deno.test("a message that the relay drops shows as a gap, once", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  for (const text of ["1", "2", "3", "4"]) await send(ada, bob, text);
  const box = mail.mailboxes.get(bob.device.toHex())!;
  box.splice(1, 2);
  assert.deepEqual(summary(await read(bob)), ["message 1", "message 4", "caught_up"], "a young hole may still close");
  mail.clock.advance(61_000);
  assert.deepEqual(summary(await read(bob)), ["gap 2-3", "caught_up"]);
  assert.deepEqual(summary(await read(bob)), ["caught_up"]);
});

Deno.test("while following, a hole is looked at again when it is old enough", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  for (const text of ["1", "2", "3"]) await send(ada, bob, text);
  mail.mailboxes.get(bob.device.toHex())!.splice(1, 1);
  const { inbox } = bob;
  const events: InboxEvent[] = [];
  for await (const event of inbox.read({ follow: true })) {
    events.push(event);
    if (event.type === "caught_up") queueMicrotask(() => void mail.clock.runUntil(Promise.resolve(), 61_000));
    if (event.type === "gap") break;
  }
  assert.deepEqual(summary(events), ["message 1", "message 3", "caught_up", "gap 2-2"]);
});

Deno.test("an aborted signal ends following cleanly, and what was shown is acknowledged", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "only");
  const { inbox } = bob;
  const stop = new AbortController();
  for await (const event of inbox.read({ follow: true, signal: stop.signal })) {
    if (event.type === "message") {
      await inbox.printing(event);
      await inbox.shown(event);
    }
    if (event.type === "caught_up") setTimeout(() => stop.abort(), 0);
  }
  assert.deepEqual(mail.acknowledged, [1]);
});

Deno.test("a sender that begins to count anew is announced", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "old");
  await renewLineages(ada.store);
  await send(ada, bob, "new");
  mail.clock.advance(120_000);
  assert.deepEqual(summary(await read(bob)), ["message old", "lineage", "message new", "caught_up"]);
});

Deno.test("what cannot be opened is told, kept and acknowledged, and reading goes on", async () => {
  const { mail, ada, bob } = await two();
  const eve = await Person.join(mail, 3);
  await using _ada = ada, _bob = bob, _eve = eve;
  const fields = {
    id: new Uint8Array(16).fill(3),
    sender: ada.device,
    recipient: bob.device,
    createdAtMs: mail.clock.now(),
    ttlS: 0,
    contentType: CONTENT_SEALED,
    payload: Uint8Array.of(1, 2, 3),
  };
  const rubbish = await signEnvelope(ada.identity.signer, fields);
  const forged = rubbish.slice();
  forged[forged.length - 1] ^= 1;
  const foreign = await signEnvelope(ada.identity.signer, { ...fields, recipient: eve.device });
  mail.put(bob.device, Uint8Array.of(255));
  mail.put(bob.device, forged);
  mail.put(bob.device, foreign);
  mail.put(bob.device, rubbish);
  mail.put(bob.device, await signEnvelope(ada.identity.signer, { ...fields, contentType: 99 }));
  await send(ada, bob, "and on");
  assert.deepEqual(summary(await read(bob)), [
    "unreadable malformed",
    "unreadable bad_signature",
    "unreadable not_for_this_device",
    "unreadable cannot_open",
    "unreadable unknown_content",
    "message and on",
    "caught_up",
  ]);
  const kept = await bob.store.read(({ unreadable }) => unreadable.all());
  assert.deepEqual(kept.map(({ seq }) => seq), [1, 2, 3, 4, 5]);
  assert.deepEqual(kept[0].bytes, Uint8Array.of(255));
  assert.deepEqual(mail.acknowledged, [1, 2, 3, 4, 5, 6]);
  mail.clock.advance(8 * 24 * 3600_000);
  await read(bob);
  assert.equal(await bob.store.read(({ unreadable }) => unreadable.all().length), 0);
});

Deno.test("what is too old, under a used id, or from a device that its bundle does not list is not shown", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const recipient = await ada.directory.lookUp(ada.relay, bob.account);
  const compose = async (draft: ReturnType<Person["draft"]>, author = ada.author) => {
    await ada.store.write(({ outbox }) => outbox.remove(draft.id));
    const [{ envelopes }] = await ada.outbox.freeze(author, recipient, [draft]);
    return envelopes[0].envelope;
  };
  const draft = ada.draft("first");
  mail.put(bob.device, await compose(draft));
  assert.deepEqual(summary(await read(bob)), ["message first", "caught_up"]);
  mail.put(bob.device, await compose(ada.draft("other words", draft.id)));
  const old = ada.draft("ancient");
  mail.put(bob.device, await compose({ ...old, createdAtMs: old.createdAtMs - 61 * 24 * 3600_000 }));
  const eve = await Person.join(mail, 3);
  await using _eve = eve;
  mail.put(bob.device, await compose(ada.draft("as ada"), { signer: eve.identity.signer, bundle: ada.author.bundle }));
  assert.deepEqual(summary(await read(bob)), [
    "unreadable id_reused",
    "unreadable too_old",
    "unreadable not_listed",
    "caught_up",
  ]);
});

Deno.test("what the caller still holds when the session is lost is not given to it again", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await using source = bob.reconnector();
  const inbox = bob.inboxOver(source);
  for (const text of ["1", "2"]) await send(ada, bob, text);
  const held: InboxMessage[] = [];
  for await (const page of inbox.pages({ follow: true })) {
    held.push(...page.filter((event) => event.type === "message"));
    if (held.length === 2) {
      (await source.client()).close();
      await ada.connect();
      await send(ada, bob, "3");
    } else if (held.length > 2) break;
  }
  await inbox.shown(...held);
  await inbox.flush();
  assert.deepEqual(held.map(({ content }) => content.body.value), ["1", "2", "3"]);
  assert.deepEqual(mail.acknowledged.toSorted(), [1, 2, 3]);
});

Deno.test("a removed device counts for what reached the relay before it was removed, and not after", async () => {
  const { mail, ada, bob } = await two();
  const thief = await Person.join(mail, 1, ":memory:", 9); // a second device of ada's account
  await using _ada = ada, _bob = bob, _thief = thief;
  await send(thief, bob, "before");
  mail.clock.advance(1000);
  const listed = thief.author.bundle;
  const bundle = await signBundle(ada.identity.account, {
    version: listed.version + 1000,
    createdAtMs: mail.clock.now(),
    expiresAtMs: listed.expiresAtMs,
    devices: listed.devices.filter(({ key }) => key.toHex() !== thief.device.toHex()),
  });
  mail.bundles.set(ada.account.toHex(), bundle.bytes);
  mail.clock.advance(1000);
  await send(thief, bob, "after");
  assert.deepEqual(summary(await read(bob)), ["device_gone", "message before", "unreadable revoked", "caught_up"]);
  await assert.rejects(thief.connect(), { code: "not_listed" });
});

Deno.test("a new device of a known account is announced once", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "one");
  await read(bob);
  const phone = await Person.join(mail, 1, ":memory:", 8);
  await using _phone = phone;
  await send(phone, bob, "two");
  await send(phone, bob, "three");
  assert.deepEqual(summary(await read(bob)), ["new_device", "message two", "message three", "caught_up"]);
});

Deno.test("after a lost session the reader comes back, shows nothing twice and acknowledges what it had shown", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await using source = bob.reconnector();
  const inbox = bob.inboxOver(source);
  for (const text of ["1", "2", "3"]) await send(ada, bob, text);
  const stop = new AbortController();
  const texts: string[] = [];
  for await (const event of inbox.read({ follow: true, signal: stop.signal })) {
    if (event.type !== "message") continue;
    texts.push(String(event.content.body.value));
    if (event.content.body.value === "2") {
      (await source.client()).close(); // the session is lost while 2 is being printed
      await ada.connect();
      await send(ada, bob, "4");
    }
    await inbox.printing(event);
    await inbox.shown(event);
    if (event.content.body.value === "4") break;
  }
  await inbox.flush();
  assert.deepEqual(texts, ["1", "2", "3", "4"]);
  assert.deepEqual(mail.acknowledged.toSorted(), [1, 2, 3, 4]);
});

Deno.test("when another reader took the mailbox over, the acknowledgement says lease_lost", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "mine");
  const { inbox } = bob;
  await assert.rejects(async () => {
    for await (const event of inbox.read()) {
      if (event.type !== "message") continue;
      await inbox.printing(event);
      mail.takeLease();
      await inbox.shown(event);
    }
  }, { code: "lease_lost" });
  assert.deepEqual(mail.acknowledged, []);
  assert.deepEqual(summary(await read(bob)), ["caught_up"], "what was shown is acknowledged and not shown again");
  assert.deepEqual(mail.acknowledged, [1]);
});

Deno.test("sealing keys are rotated monthly, and mail to the old one opens until it cannot come any more", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  const mail = new MailRelay(new TestClock());
  const ada = await Person.join(mail, 1);
  const bob = await Person.join(mail, 2, path);
  await using _ada = ada;
  const recipient = await ada.directory.lookUp(ada.relay, bob.account);
  const first = mail.sealingKeys.get(bob.device.toHex())!;
  mail.clock.advance(31 * 24 * 3600_000);
  await bob.connect();
  assert.notDeepEqual(mail.sealingKeys.get(bob.device.toHex()), first);
  const [late] = await ada.outbox.freeze(ada.author, recipient, [ada.draft("to the old key")]);
  mail.put(bob.device, late.envelopes[0].envelope);
  assert.deepEqual(summary(await read(bob)), ["message to the old key", "caught_up"]);
  mail.clock.advance((45 + 60) * 24 * 3600_000);
  await ensurePublished({
    ...bob,
    relay: bob.relay,
    store: bob.store,
    identity: bob.identity,
    clock: mail.clock,
    random: bob.random,
  });
  const { keyId } = recipient.sealingKeys[0];
  assert.equal(await bob.store.read(({ secrets }) => secrets.byKeyId(keyId)), null);
  await bob[Symbol.asyncDispose]();
  await (await openStore(path))[Symbol.asyncDispose]();
  await Deno.remove(path);
});
