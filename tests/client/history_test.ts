/** History: kept once with its mark, in order, within its limits, and only where the key is. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { arrivalOf } from "../../client/arrival.ts";
import { Conversations, conversationWith, peerOf } from "../../client/conversations.ts";
import { Contacts } from "../../client/contacts.ts";
import { CONVERSATION_LIMITS, History, KEPT_FILE_BYTES } from "../../client/history.ts";
import type { InboxMessage } from "../../client/inbox.ts";
import { createOutbox } from "../../client/outbox.ts";
import { flushQueue, sendMessage } from "../../client/send.ts";
import { QightError } from "../../proto/errors.ts";
import { ContentSchema, FileSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { MailRelay } from "./mail_relay.ts";
import { Person, textContent } from "./person.ts";
import { TestClock } from "./test_clock.ts";

async function two() {
  const mail = new MailRelay(new TestClock());
  return { mail, ada: await Person.join(mail, 1), bob: await Person.join(mail, 2) };
}

function historyOf(person: Person): History {
  const { store, account, device, mail } = person;
  return new History({ store, clock: mail.clock, own: { account, device } });
}

async function send(from: Person, to: Person, text: string, files: { name: string; data: Uint8Array }[] = []) {
  const content = create(ContentSchema, {
    body: textContent(text).body,
    files: files.map((file) => create(FileSchema, file)),
  });
  assert.equal((await sendMessage(from.room, to.account, { ...from.draft(text), content })).error, null);
}

/** Reads what is there into the history; `work` may spoil the transaction. */
async function keep(person: Person, spoil = () => {}): Promise<InboxMessage[]> {
  const history = historyOf(person);
  const { inbox } = person;
  const kept: InboxMessage[] = [];
  for await (const page of inbox.pages()) {
    const messages = page.filter((event) => event.type === "message");
    if (messages.length === 0) continue;
    kept.push(
      ...await inbox.keep(await history.fitting(messages), (tables, mine) => {
        history.arrived(tables, mine);
        spoil();
      }),
    );
  }
  return kept;
}

Deno.test("what arrives is kept as unread, in order, and read when it was looked at", async () => {
  const { ada, bob, mail } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "one");
  await send(ada, bob, "two");
  await keep(bob);
  const history = historyOf(bob);
  const unread = await history.unread(conversationWith(ada.account));
  assert.deepEqual(unread.map(({ text, state, verified }) => [text, state, verified]), [
    ["one", "unread", true],
    ["two", "unread", true],
  ]);
  await history.markRead(unread);
  assert.deepEqual(await history.unread(conversationWith(ada.account)), []);
  assert.equal((await history.last(conversationWith(ada.account), 1))[0].text, "two");
  assert.deepEqual(mail.mailboxes.get(bob.device.toHex()), [], "both are acknowledged");
});

Deno.test("a crash while keeping leaves neither line nor mark: the message comes again, and is kept once", async () => {
  const { ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "precious");
  await assert.rejects(
    keep(bob, () => {
      throw new Error("power cut");
    }),
    /power cut/,
  );
  assert.deepEqual(await historyOf(bob).last(conversationWith(ada.account), 10), []);
  assert.equal((await keep(bob)).length, 1);
  assert.equal((await keep(bob)).length, 0);
  assert.deepEqual((await historyOf(bob).last(conversationWith(ada.account), 10)).map(({ text }) => text), [
    "precious",
  ]);
});

Deno.test("what was kept and comes again, because its acknowledgement was lost, is neither kept nor shown again", async () => {
  const { ada, bob, mail } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "once");
  assert.equal((await keep(bob)).length, 1);
  mail.put(bob.device, mail.received[0]);
  assert.deepEqual(await keep(bob), []);
  assert.deepEqual(mail.mailboxes.get(bob.device.toHex()), [], "acknowledged all the same");
});

Deno.test("what another process of this device has shown is not kept a second time", async () => {
  const { ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "fetched");
  const { inbox } = bob;
  const messages: InboxMessage[] = [];
  for await (const event of inbox.read({ peek: true })) if (event.type === "message") messages.push(event);
  await inbox.printing(...messages);
  await inbox.shown(...messages);
  let asked: readonly InboxMessage[] = messages;
  assert.deepEqual(await inbox.keep(messages, (_, mine) => void (asked = mine)), []);
  assert.deepEqual(asked, []);
});

Deno.test("an own message is queued and kept together, and its line says what became of it", async () => {
  const { ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const history = historyOf(ada);
  const conversation = conversationWith(bob.account);
  const draft = ada.draft("hello");
  await history.send(ada.outbox, conversationWith(bob.account), draft);
  assert.equal((await history.last(conversation, 1))[0].state, "waiting");
  assert.equal(await history.settleAll(), 1);
  for await (const { id, error } of flushQueue(ada.room)) {
    assert.equal(error, null);
    assert.equal(await history.settle(id, false), "sent");
  }
  assert.equal((await history.last(conversation, 1))[0].state, "sent");

  const refused = ada.draft("never");
  await history.send(ada.outbox, conversationWith(bob.account), refused);
  await ada.outbox.discard(refused.id);
  assert.equal(await history.settle(refused.id, true), "failed");
  const forgotten = ada.draft("another process had it");
  await history.send(ada.outbox, conversationWith(bob.account), forgotten);
  await ada.outbox.discard(forgotten.id);
  assert.equal(await history.settleAll(), 0);
  assert.deepEqual((await history.last(conversation, 2)).map(({ state }) => state), ["failed", "unknown"]);
});

Deno.test("a line that cannot be kept is not queued either", async () => {
  const { ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const draft = ada.draft("half");
  await assert.rejects(
    ada.outbox.queue(bob.account, draft, () => {
      throw new QightError("io", "the disk is full");
    }),
    /disk is full/,
  );
  assert.deepEqual(await ada.outbox.queued(), []);
});

Deno.test("a conversation keeps its newest lines, what waits to go out, and what has a file to save", async () => {
  const { ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const conversation = conversationWith(ada.account);
  const big = "x".repeat(CONVERSATION_LIMITS.bytes / 4);
  await bob.store.write(({ history }) => {
    const line = { conversation, author: ada.account, device: ada.device, atMs: 1, verified: true, text: big };
    const kept = [{ name: "f", size: 1, data: new Uint8Array(1) }];
    history.add({ ...line, id: new Uint8Array(16).fill(1), state: "read" }, kept, 1);
    history.add({ ...line, id: new Uint8Array(16).fill(2), state: "waiting" }, [], 1);
    for (const id of [3, 4, 5, 6]) history.add({ ...line, id: new Uint8Array(16).fill(id), state: "unread" }, [], 1);
    history.trim(conversation, CONVERSATION_LIMITS);
  });
  const left = (await historyOf(bob).last(conversation, 10)).map(({ id }) => id[0]);
  assert.deepEqual(left, [1, 2, 5, 6]);
  const [{ messages }] = await bob.store.read(({ history }) => history.conversations());
  assert.equal(messages, 4);
});

Deno.test("files are kept until they are saved; what has no room stays at the relay", async () => {
  const { ada, bob, mail } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "small", [{ name: "a.txt", data: new Uint8Array([1, 2, 3]) }]);
  await keep(bob);
  const history = historyOf(bob);
  const [file] = await history.files(conversationWith(ada.account));
  assert.deepEqual([file.name, file.size, file.kept, file.savedAs], ["a.txt", 3, true, null]);
  assert.deepEqual((await history.file(file.number))!.data, new Uint8Array([1, 2, 3]));

  await bob.store.write(({ history: table }) => {
    const line = { conversation: "account:" + "00".repeat(32), author: ada.account, device: ada.device, atMs: 1 };
    const huge = { name: "huge", size: KEPT_FILE_BYTES - 4, data: new Uint8Array(0) };
    table.add({ ...line, id: new Uint8Array(16), verified: true, state: "read", text: "" }, [huge], 1);
  });
  await send(ada, bob, "no room", [{ name: "b.txt", data: new Uint8Array(2) }]);
  await send(ada, bob, "without files");
  assert.deepEqual((await keep(bob)).map(({ content }) => content.body.value), ["without files"]);
  assert.equal(mail.mailboxes.get(bob.device.toHex())!.length, 1);
  await history.saved(file.number, "/tmp/a.txt");
  const saved = (await history.file(file.number))!;
  assert.deepEqual([saved.kept, saved.savedAs, saved.data], [false, "/tmp/a.txt", null]);
  assert.deepEqual((await keep(bob)).map(({ content }) => content.body.value), ["no room"]);
});

Deno.test("a body that is no text becomes a file", async () => {
  const { ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  const content = create(ContentSchema, { body: { case: "data", value: new Uint8Array([0xff, 0xfe]) } });
  await sendMessage(ada.room, bob.account, { ...ada.draft(""), content });
  await keep(bob);
  const [line] = await historyOf(bob).last(conversationWith(ada.account), 1);
  assert.deepEqual([line.text, line.files.map(({ name, size }) => [name, size])], ["", [["message.bin", 2]]]);
});

Deno.test("conversations are called by contact name, short id, or notes, the liveliest first", async () => {
  const { ada, bob, mail } = await two();
  await using _ada = ada, _bob = bob;
  await using eve = await Person.join(mail, 3);
  const contacts = new Contacts(bob.store, mail.clock);
  await contacts.add("Ada", ada.account);
  await send(ada, bob, "named");
  await keep(bob);
  mail.clock.advance(10);
  await send(eve, bob, "nameless");
  await keep(bob);
  mail.clock.advance(10);
  await historyOf(bob).note(bob.draft("to myself"));
  const conversations = new Conversations({ store: bob.store, contacts, own: bob.account });
  const list = await conversations.list();
  assert.deepEqual(list.map(({ title, unread }) => [title.slice(0, 4), unread]), [["note", 0], ["qid1", 1], [
    "Ada",
    1,
  ]]);
  assert.equal(list[1].title.length, 12);
  assert.deepEqual(peerOf(list[2].key), ada.account);
  assert.equal(peerOf("group:00"), null);
});

Deno.test("what a witness of the outbox hears becomes lines that say how it ended: accepted, refused, or nobody knows", async () => {
  const { ada, bob, mail } = await two();
  await using _ada = ada, _bob = bob;
  const history = historyOf(ada);
  const outbox = createOutbox({
    store: ada.store,
    relay: "relay.test",
    clock: mail.clock,
    random: ada.random,
    witness: history.witness,
  });
  const room = { ...ada.room, outbox };
  const recipient = await ada.directory.lookUp(ada.relay, bob.account);
  await sendMessage(room, bob.account, ada.draft("arrives"));
  const refused = ada.draft("refused");
  await outbox.freeze(ada.author, recipient, [refused]);
  await outbox.discard(refused.id);
  await outbox.freeze(ada.author, recipient, [ada.draft("nobody knows")]);
  await outbox.queue(bob.account, ada.draft("waits too long"));
  const lines = async () =>
    (await history.last(conversationWith(bob.account), 9)).map((line) => [line.text, arrivalOf(line, line.marks)]);
  assert.deepEqual(await lines(), [
    ["arrives", "accepted"],
    ["refused", "refused"],
    ["nobody knows", "waiting"],
    ["waits too long", "waiting"],
  ]);
  mail.clock.advance(30 * 24 * 3600_000);
  await outbox.purge(1000);
  assert.deepEqual((await lines()).slice(2), [["nobody knows", "sent"], ["waits too long", "refused"]]);
  const reaction = create(ContentSchema, { action: { case: "typing", value: { on: true } } });
  await outbox.queue(bob.account, { ...ada.draft(""), content: reaction });
  assert.equal((await lines()).length, 4, "an action is no line");
});
