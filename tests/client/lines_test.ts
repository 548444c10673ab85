/** Many lines to one account: in order, durable, through broken sessions and full mailboxes. @module */
import assert from "node:assert/strict";
import { parseEnvelope } from "../../crypto/envelope.ts";
import { sendLines } from "../../client/line_sender.ts";
import type { Reconnector } from "../../client/reconnect.ts";
import { QightError } from "../../proto/errors.ts";
import type { Content } from "../../proto/gen/qight/v1/seal_pb.ts";
import { MailRelay } from "./mail_relay.ts";
import { Person, textContent } from "./person.ts";
import { TestClock } from "./test_clock.ts";

interface Scene {
  mail: MailRelay;
  ada: Person;
  bob: Person;
  source: Reconnector;
  /** Sends so many lines; the ids in the order they were reported. */
  send(count: number, onPage?: () => void): Promise<string[]>;
  /** Why the sending waited. */
  waits: string[];
}

async function scene(run: (scene: Scene) => Promise<void>): Promise<void> {
  const mail = new MailRelay(new TestClock());
  await using ada = await Person.join(mail, 1);
  await using bob = await Person.join(mail, 2);
  const { clock } = mail;
  await using source = ada.reconnector();
  const { outbox, directory, author, random } = ada;
  const waits: string[] = [];
  const onWait = ({ message }: QightError) => waits.push(message);
  const send = async (count: number, onPage = () => {}) => {
    const ids: string[] = [];
    const options = { source, outbox, directory, author, recipient: bob.account, clock, random, onWait };
    for await (const page of sendLines(options, numbered(count))) {
      for (const { id } of page) ids.push(id.toHex());
      onPage();
    }
    return ids;
  };
  await run({ mail, ada, bob, source, send, waits });
}

async function* numbered(count: number): AsyncGenerator<Content> {
  for (let i = 0; i < count; i++) yield textContent(`line ${i}`);
}

async function received({ bob }: Scene): Promise<{ id: string; text: string }[]> {
  const all: { id: string; text: string }[] = [];
  const { inbox } = bob;
  for await (const event of inbox.read({ peek: true })) {
    if (event.type === "message") all.push({ id: event.id.toHex(), text: String(event.content.body.value) });
    else assert.equal(event.type, "caught_up");
  }
  return all;
}

async function kept({ ada }: Scene): Promise<number> {
  return await ada.store.read(({ outbox }) => outbox.olderThan(Infinity, "held").length);
}

const texts = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}`);

Deno.test("lines arrive in input order, ids are reported in input order, and the outbox is empty after", () =>
  scene(async (all) => {
    const ids = await all.send(700);
    const messages = await received(all);
    assert.deepEqual(messages.map(({ text }) => text), texts(700));
    assert.deepEqual(messages.map(({ id }) => id), ids);
    assert.equal(await kept(all), 0);
  }));

Deno.test("no lines at all end at once", () => scene(async (all) => assert.deepEqual(await all.send(0), [])));

Deno.test("sessions that break lose and double nothing: the same bytes go out again", () =>
  scene(async (all) => {
    const { mail } = all;
    mail.beforeStore = (_envelope, count) => {
      if (count % 97 === 0) return "store_then_break";
      if (count % 61 === 0) return "break";
    };
    const ids = await mail.clock.runUntil(all.send(400));
    const messages = await received(all);
    assert.deepEqual(messages.map(({ text }) => text), texts(400));
    assert.deepEqual(messages.map(({ id }) => id), ids);
    assert.ok(mail.received.length > 400);
    const bodies = new Map<string, string>();
    for (const envelope of mail.received) {
      const id = parseEnvelope(envelope).id.toHex();
      assert.equal(bodies.get(id) ?? envelope.toHex(), envelope.toHex());
      bodies.set(id, envelope.toHex());
    }
    assert.equal(await kept(all), 0);
  }));

Deno.test("a full mailbox is waited for", () =>
  scene(async (all) => {
    const { mail, bob } = all;
    mail.maxQueue = 50;
    const room = Promise.withResolvers<void>();
    mail.room = room.promise;
    const sending = all.send(80);
    const box = () => mail.mailboxes.get(bob.device.toHex()) ?? [];
    while (box().length < 50) await new Promise((resolve) => setTimeout(resolve, 0));
    const first = box().splice(0);
    mail.maxQueue = Infinity;
    room.resolve();
    const reported = await sending;
    assert.equal(first.length + box().length, 80);
    const ids = [...first, ...box()].map(({ envelope }) => parseEnvelope(envelope).id.toHex());
    assert.deepEqual(ids, reported);
  }));

for (const code of ["rate_limited", "queue_full", "storage_full"] as const) {
  Deno.test(`regression: whoever waits because of ${code} is told why, before the wait`, () =>
    scene(async (all) => {
      const { mail, waits } = all;
      let toldBefore = 0;
      mail.beforeStore = (_envelope, count) => {
        if (count === 3) throw new QightError(code, "Not so fast");
        if (count === 4) toldBefore = waits.length; // the third goes again only after the wait
      };
      await mail.clock.runUntil(all.send(3), 50);
      assert.equal(toldBefore, 1);
      assert.deepEqual(waits, ["Not so fast"]);
    }));
}

Deno.test("when no session comes back it stops with unreachable, and what was under way stays held", () =>
  scene(async (all) => {
    const { mail, source } = all;
    await source.client();
    mail.beforeStore = (_envelope, count) => {
      if (count < 30) return;
      mail.connect = () => Promise.reject(new QightError("unreachable"));
      return "break";
    };
    await assert.rejects(mail.clock.runUntil(all.send(500), 20), { code: "unreachable" });
    assert.equal(mail.mailboxes.get(all.bob.device.toHex())!.length, 29);
    const held = await kept(all);
    assert.ok(held > 0 && held <= 256, `${held} are held`);
  }));

Deno.test("regression: a failure is told at once although the input says nothing and stays open", () =>
  scene(async ({ mail, ada, bob, source }) => {
    mail.beforeStore = () => {
      throw new QightError("message_too_large");
    };
    const more = Promise.withResolvers<void>();
    async function* silent(): AsyncGenerator<Content> {
      yield textContent("one line");
      await more.promise;
    }
    const { outbox, directory, author, random } = ada;
    const options = { source, outbox, directory, author, recipient: bob.account, clock: mail.clock, random };
    await assert.rejects(sendLines(options, silent()).next(), { code: "message_too_large" });
    more.resolve();
  }));

Deno.test("a refusal that is final stops the sending with that refusal", () =>
  scene(async (all) => {
    all.mail.beforeStore = (_envelope, count) => {
      if (count === 10) throw new QightError("message_too_large");
    };
    await assert.rejects(all.send(300), { code: "message_too_large" });
    assert.equal(await kept(all), 0, "what never went out is forgotten");
  }));
