/** A relay that lies about times and numbers hides no gap and shows nothing twice. @module */
import assert from "node:assert/strict";
import { lookForGaps, noteLineage, noteNumbers } from "../../client/gap_watch.ts";
import type { Gap } from "../../client/gaps.ts";
import type { Inbox, InboxEvent } from "../../client/inbox.ts";
import { sendMessage } from "../../client/send.ts";
import { MailRelay } from "./mail_relay.ts";
import { openStore, Person } from "./person.ts";
import { TestClock } from "./test_clock.ts";

const HOUR_MS = 3600_000;
const CENTURY_MS = 100 * 365 * 24 * HOUR_MS;

async function two() {
  const mail = new MailRelay(new TestClock());
  return { mail, ada: await Person.join(mail, 1), bob: await Person.join(mail, 2) };
}

async function send(from: Person, to: Person, ...texts: string[]): Promise<void> {
  for (const text of texts) assert.equal((await sendMessage(from.room, to.account, from.draft(text))).error, null);
}

/** A new session and a new inbox, as each `qight fetch` has; what it showed, in words. */
async function fetch(person: Person, options: Parameters<Inbox["read"]>[0] = {}): Promise<string[]> {
  await person.connect();
  const { inbox } = person;
  const events: InboxEvent[] = [];
  for await (const event of inbox.read(options)) {
    events.push(event);
    if (event.type !== "message" || options.peek) continue;
    await inbox.printing(event);
    await inbox.shown(event);
  }
  return events.map((event) => {
    if (event.type === "message") return `message ${event.content.body.value}`;
    if (event.type === "gap") return `gap ${event.first}-${event.last} of ${event.from?.toHex()}`;
    return event.type === "unreadable" ? `unreadable ${event.reason}` : event.type;
  });
}

/** The mailbox of a person, for the relay to tamper with. */
function mailbox(mail: MailRelay, person: Person) {
  return mail.mailboxes.get(person.device.toHex())!;
}

const clocks: { lie: string; tell(mail: MailRelay, bob: Person): void }[] = [
  {
    lie: "dates mail a century ahead",
    tell: (mail, bob) => mailbox(mail, bob).forEach((stored) => stored.receivedAtMs += CENTURY_MS),
  },
  {
    lie: "has a clock that stands still",
    tell(mail) {
      const stopped = mail.clock.now();
      mail.helloNowMs = () => stopped;
    },
  },
  {
    lie: "has a clock that is a century ahead, and dates mail by it",
    tell(mail, bob) {
      mail.helloNowMs = () => mail.clock.now() + CENTURY_MS;
      mailbox(mail, bob).forEach((stored) => stored.receivedAtMs += CENTURY_MS);
    },
  },
];
for (const { lie, tell } of clocks) {
  Deno.test(`regression: a relay that ${lie} cannot keep a gap to itself`, async () => {
    const { mail, ada, bob } = await two();
    await using _ada = ada, _bob = bob;
    await send(ada, bob, "1", "2", "3");
    mailbox(mail, bob).splice(1, 1);
    tell(mail, bob);
    assert.deepEqual(await fetch(bob), ["message 1", "message 3", "caught_up"]);
    mail.clock.advance(59_000);
    assert.deepEqual(await fetch(bob), ["caught_up"]);
    mail.clock.advance(2_000);
    assert.deepEqual(await fetch(bob), [`gap 2-2 of ${ada.account.toHex()}`, "caught_up"]);
    assert.deepEqual(await fetch(bob), ["caught_up"]);
  });
}

Deno.test("regression: a gap found by a later run names the sender's account", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "1", "2", "3");
  mailbox(mail, bob).splice(1, 1);
  await fetch(bob);
  mail.clock.advance(HOUR_MS);
  assert.deepEqual(await fetch(bob), [`gap 2-2 of ${ada.account.toHex()}`, "caught_up"]);
});

Deno.test("regression: a reader that dies before a gap is out is told of it again", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "1", "2", "3");
  mailbox(mail, bob).splice(1, 1);
  await fetch(bob);
  mail.clock.advance(HOUR_MS);
  for await (const event of bob.inbox.read()) if (event.type === "gap") break; // dies here
  assert.deepEqual(await fetch(bob), [`gap 2-2 of ${ada.account.toHex()}`, "caught_up"]);
  assert.deepEqual(await fetch(bob), ["caught_up"]);
});

Deno.test("regression: a relay that names a short max_ttl, and a long one later, shows nothing twice", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "1", "2");
  const kept = [...mailbox(mail, bob)];
  mail.maxTtlS = 1;
  assert.deepEqual(await fetch(bob), ["message 1", "message 2", "caught_up"]);
  mail.clock.advance(HOUR_MS);
  assert.deepEqual(await fetch(bob), ["caught_up"]); // here the marks are forgotten
  mail.maxTtlS = 90 * 24 * 3600;
  mailbox(mail, bob).push(...kept);
  assert.deepEqual(await fetch(bob), ["unreadable too_old", "unreadable too_old", "caught_up"]);
  await send(ada, bob, "3");
  assert.deepEqual(await fetch(bob), ["message 3", "caught_up"]);
});

Deno.test("regression: more holes than are kept at once are told at once, none is forgotten", async () => {
  await using store = await openStore(":memory:");
  const [sender, account, lineage] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
  const told = await store.write(({ streams }) => {
    noteLineage(streams, sender, lineage, account);
    const early: Gap[] = [];
    for (let n = 2; n <= 4_000; n += 2) early.push(...noteNumbers(streams, sender, lineage, [BigInt(n)], 0));
    return early;
  });
  assert.equal(told.length, 1_000, "as many as there are too many");
  const due = await lookForGaps(store, HOUR_MS);
  for (const { from } of due.events) assert.deepEqual(from, account);
  told.push(...due.events);
  const odd = Array.from({ length: 2_000 }, (_, n) => 2 * n + 1);
  assert.deepEqual(told.map(({ first, last }) => first === last && first), odd);
});

Deno.test("regression: a look that leaves no marks shows a doubled message once", async () => {
  const { mail, ada, bob } = await two();
  await using _ada = ada, _bob = bob;
  await send(ada, bob, "1");
  const [stored] = mailbox(mail, bob);
  mailbox(mail, bob).push({ ...stored, seq: 7 });
  for (let n = 0; n < 300; n++) mailbox(mail, bob).push({ ...stored, seq: 8 + n }); // on a later page as well
  assert.deepEqual(await fetch(bob, { peek: true }), ["message 1", "caught_up"]);
  assert.deepEqual(await fetch(bob), ["message 1", "caught_up"]);
});

Deno.test("regression: 10,000 unreadable messages are kept aside at the pace of the first ones, the oldest give way", async () => {
  const folder = await Deno.makeTempDir({ prefix: "qight-" });
  try {
    await using store = await openStore(`${folder}/store.db`);
    const bytes = new Uint8Array(2_000);
    // With the rows added up for each new one this took half an hour.
    for (let page = 0; page < 40; page++) {
      await store.write(({ unreadable }) => {
        for (let n = 0; n < 250; n++) {
          unreadable.add({ seq: 250 * page + n, receivedAtMs: 1, reason: "malformed", bytes }, 1, 16 * 1024 * 1024);
        }
      });
    }
    const kept = await store.read(({ unreadable }) => unreadable.all());
    assert.equal(kept.length, Math.floor(16 * 1024 * 1024 / 2_000));
    assert.equal(kept.at(-1)!.seq, 9_999);
    assert.equal(kept[0].seq, 10_000 - kept.length);
    await store.write(({ unreadable }) => {
      unreadable.purge(2);
      unreadable.add({ seq: 1, receivedAtMs: 1, reason: "malformed", bytes }, 1, 2_000);
    });
    assert.equal((await store.read(({ unreadable }) => unreadable.all())).length, 1, "what was purged does not count");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
