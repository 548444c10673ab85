/** Invites at the two ends: who becomes a contact by an answer, under which name, and who does not. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { formatAccountId } from "../../crypto/account.ts";
import { inviteKeys, sealInviteRecord } from "../../crypto/invite.ts";
import { type Content, ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { Contacts } from "../../client/contacts.ts";
import type { InboxEvent } from "../../client/inbox.ts";
import { answerDraft } from "../../client/invite_accept.ts";
import { cleanName } from "../../client/invite_contact.ts";
import { answerInvite, claimInvite, forgetInvite, makeInvite, ownInvites } from "../../client/invites.ts";
import type { Draft } from "../../client/messages.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import { flushQueue, sendMessage } from "../../client/send.ts";
import { MailRelay } from "./mail_relay.ts";
import { Person, textContent } from "./person.ts";
import { TestClock } from "./test_clock.ts";

const secret = new Uint8Array(16).fill(7);
const keys = inviteKeys(secret);

/** A relay's answers to calls about invites; this test hands them in. */
function answering(answer: Record<string, unknown>): Pick<RelayClient, "rpc"> {
  return { rpc: { unary: () => Promise.resolve(answer) } } as unknown as Pick<RelayClient, "rpc">;
}

async function three(wish: { name?: string; contactName?: string } = {}) {
  const mail = new MailRelay(new TestClock());
  const stack = new AsyncDisposableStack();
  const [ada, bob, eve] = await Promise.all([1, 2, 3].map((seed) => Person.join(mail, seed)));
  for (const person of [ada, bob, eve]) stack.use(person);
  const relay = answering({ expiresAtMs: BigInt(mail.clock.now() + 600_000) });
  const maker = { secret, maker: ada.account, relayName: "relay.test", ttlS: 600, name: "", contactName: "", ...wish };
  await makeInvite({ relay, store: ada.store, clock: mail.clock }, maker);
  const answer = (from: Person, name = "", change: Partial<Draft> = {}): Draft => ({
    ...answerDraft(keys, { maker: ada.account, taker: from.account, name }, mail.clock.now()),
    ...change,
  });
  const send = async (from: Person, draft: Draft) => {
    assert.equal((await sendMessage(from.room, ada.account, draft)).error, null);
  };
  return { mail, ada, bob, eve, answer, send, contacts: new Contacts(ada.store, mail.clock), stack };
}

async function read(person: Person, options: Parameters<Person["inbox"]["read"]>[0] = {}): Promise<InboxEvent[]> {
  const { inbox } = person;
  const events: InboxEvent[] = [];
  for await (const event of inbox.read(options)) {
    if (event.type === "message") await inbox.shown(...await inbox.printing(event));
    if (event.type !== "caught_up") events.push(event);
  }
  return events;
}

const told = (events: InboxEvent[]) =>
  events.map((event) =>
    event.type === "message"
      ? `message ${event.content.body.value}`
      : event.type === "unreadable"
      ? `unreadable ${event.reason}`
      : event.type === "invite_accepted"
      ? `accepted ${event.name}`
      : event.type
  );

Deno.test("an answer makes a verified contact, is an event and no message, and is acknowledged", async () => {
  const { mail, ada, bob, answer, send, contacts, stack } = await three();
  await using _stack = stack;
  await send(bob, answer(bob, "bob"));
  await send(bob, bob.draft("hello"));
  const events = await read(ada);
  assert.deepEqual(told(events).toSorted(), ["accepted bob", "message hello"]);
  const [event] = events.filter(({ type }) => type === "invite_accepted");
  assert.deepEqual(event, { type: "invite_accepted", invite: keys.locator, account: bob.account, name: "bob" });
  const { name, account, verified, blocked } = (await contacts.list())[0];
  assert.deepEqual({ name, account, verified, blocked }, {
    name: "bob",
    account: bob.account,
    verified: true,
    blocked: false,
  });
  assert.deepEqual(mail.acknowledged.toSorted(), [1, 2]);
  assert.deepEqual((await ownInvites(ada.store, mail.clock.now())).map(({ state }) => state), ["accepted"]);
  assert.deepEqual(await read(ada), []);
});

const wrongAnswers: [what: string, reason: string, change: (draft: Draft) => Draft][] = [
  ["a changed MAC", "bad_invite", (draft) => changed(draft, (mac) => ({ mac: mac.with(31, mac[31] ^ 1) }))],
  ["no MAC", "bad_invite", (draft) => changed(draft, () => ({ mac: new Uint8Array(0) }))],
  ["another name under the MAC", "bad_invite", (draft) => changed(draft, () => ({ name: "ada" }))],
  ["another locator", "bad_invite", (draft) => changed(draft, () => ({ locator: new Uint8Array(32) }))],
  ["an endless locator", "bad_invite", (draft) => changed(draft, () => ({ locator: new Uint8Array(90_000) }))],
  ["no seal around it", "unknown_content", (draft) => ({ ...draft, plaintext: true })],
];

function changed(draft: Draft, how: (mac: Uint8Array) => Partial<Content["inviteAccept"] & object>): Draft {
  const before = draft.content.inviteAccept!;
  return { ...draft, content: create(ContentSchema, { inviteAccept: { ...before, ...how(before.mac) } }) };
}

for (const [what, reason, change] of wrongAnswers) {
  Deno.test(`an answer with ${what} is unreadable (${reason}), adds nobody, and the reading goes on`, async () => {
    const { ada, bob, answer, send, contacts, stack } = await three();
    await using _stack = stack;
    await send(bob, change(answer(bob, "bob")));
    await send(bob, bob.draft("hello"));
    assert.deepEqual(told(await read(ada)), [`unreadable ${reason}`, "message hello"]);
    assert.deepEqual(await contacts.list(), []);
    await send(bob, { ...answer(bob, "bob"), id: new Uint8Array(16).fill(9) });
    assert.deepEqual(told(await read(ada)), ["accepted bob"], "the true answer counts all the same");
  });
}

Deno.test("somebody else's answer, copied, is not their own", async () => {
  const { ada, bob, eve, answer, send, contacts, stack } = await three();
  await using _stack = stack;
  await send(eve, answer(bob, "bob"));
  assert.deepEqual(told(await read(ada)), ["unreadable bad_invite"]);
  assert.deepEqual(await contacts.list(), []);
});

Deno.test("who answers second with the right secret is not taken in, even by a relay that lets two claim", async () => {
  const { ada, bob, eve, answer, send, contacts, stack } = await three();
  await using _stack = stack;
  await send(bob, answer(bob, "bob"));
  await send(eve, answer(eve, "bob"));
  await send(bob, { ...answer(bob, "robert"), id: new Uint8Array(16).fill(9) });
  assert.deepEqual(told(await read(ada)), ["accepted bob"].concat("unreadable invite_used").toSorted());
  assert.deepEqual((await contacts.list()).map(({ account }) => account), [bob.account]);
});

Deno.test("an answer to an invite that was taken back adds nobody", async () => {
  const { ada, bob, answer, send, contacts, stack } = await three();
  await using _stack = stack;
  await forgetInvite(ada.store, keys.locator);
  await send(bob, answer(bob, "bob"));
  assert.deepEqual(told(await read(ada)), ["unreadable bad_invite"]);
  assert.deepEqual(await contacts.list(), []);
});

Deno.test("a look that leaves no marks takes no answer; a reader of one sender or of one message does", async () => {
  const { ada, bob, answer, send, contacts, stack } = await three();
  await using _stack = stack;
  await send(bob, answer(bob, "bob"));
  assert.deepEqual(told(await read(ada, { peek: true })), []);
  assert.deepEqual(await contacts.list(), []);
  await send(bob, bob.draft("hello"));
  assert.deepEqual(told(await read(ada, { only: () => false })), ["accepted bob"]);
  assert.deepEqual(told(await read(ada, { max: 1 })), ["message hello"]);
});

Deno.test("a blocked contact stays blocked, whatever invite they take", async () => {
  const { ada, bob, answer, send, contacts, stack } = await three();
  await using _stack = stack;
  await contacts.add("bob", bob.account);
  await contacts.block("bob", true);
  await send(bob, answer(bob, "friend"));
  assert.deepEqual(told(await read(ada)), []);
  const { name, verified, blocked } = await contacts.get("bob");
  assert.deepEqual({ name, verified, blocked }, { name: "bob", verified: false, blocked: true });
});

Deno.test("an answer that comes weeks after the invite ended counts: the relay bound it in time", async () => {
  const { mail, ada, bob, answer, send, contacts, stack } = await three();
  await using _stack = stack;
  await send(bob, answer(bob, "bob"));
  mail.clock.advance(20 * 24 * 3600_000);
  assert.equal((await ownInvites(ada.store, mail.clock.now()))[0].state, "expired");
  assert.deepEqual(told(await read(ada)), ["accepted bob"]);
  assert.equal((await contacts.get("bob")).verified, true);
});

const named: [what: string, taken: string[], wish: string, said: string, name: string | null][] = [
  ["the name that they give", [], "", "bob", "bob"],
  ["the name that the maker chose goes before theirs", [], "bobby", "bob", "bobby"],
  ["a name that is taken gets a number", ["Bob", "bob-2"], "", "bob", "bob-3"],
  ["the maker's choice too", ["bobby"], "bobby", "bob", "bobby-2"],
  ["what cannot be in a name is left out", [], "", "\u202eBob  the\n\x1b[31mBuilder\u0007!", "Bob-the-31mBuilder"],
  ["something like an id is no name", [], "", "qid1qqqqqqqqqqqq", null],
  ["nothing but signs is no name", [], "", "../..", null],
  ["no name at all", [], "", "", null],
  ["an endless name is cut", [], "", "x".repeat(100_000), "x".repeat(60)],
];
for (const [what, taken, wish, said, name] of named) {
  Deno.test(`what the new contact is called: ${what}`, async () => {
    const { ada, bob, eve, answer, send, contacts, stack } = await three({ contactName: wish });
    await using _stack = stack;
    for (const [n, each] of taken.entries()) {
      await contacts.add(each, n === 0 ? eve.account : new Uint8Array(32).fill(n));
    }
    await send(bob, answer(bob, said));
    await read(ada);
    const short = formatAccountId(bob.account).slice(0, 12);
    assert.equal((await contacts.ofAccount(bob.account))?.name, name ?? short);
    assert.deepEqual((await contacts.get(name ?? short)).account, bob.account, "and is found under it");
  });
}

Deno.test("a contact who takes an invite keeps the name, and what waits under it stays refused", async () => {
  const { ada, bob, eve, answer, send, contacts, stack } = await three({ contactName: "friend" });
  await using _stack = stack;
  await contacts.add("robert", bob.account);
  await assert.rejects(contacts.add("robert", eve.account), { code: "key_changed" });
  await send(bob, answer(bob, "bob"));
  assert.deepEqual(told(await read(ada)), ["accepted robert"]);
  const { name, verified, offered } = await contacts.get("robert");
  assert.deepEqual({ name, verified, offered }, { name: "robert", verified: true, offered: eve.account });
  assert.equal((await contacts.list()).length, 1);
});

Deno.test("names are cleaned to what a contact may be called, or to nothing", () => {
  const rows: [string, string | null][] = [
    ["Ada Lovelace", "Ada-Lovelace"],
    ["  ada  ", "ada"],
    ["Łukasz Żółć", "Łukasz-Żółć"],
    ["e\u0301", "é"],
    ["-rf", "rf"],
    ["ada.", "ada"],
    ["#group", "group"],
    ["0123456789abcdef0123456789abcdef", null],
    ["\u0000", null],
  ];
  for (const [text, name] of rows) assert.equal(cleanName(text), name, JSON.stringify(text));
});

Deno.test("the taker gets the maker as a verified contact and the answer in the outbox, both or neither", async () => {
  const { mail, ada, bob, stack } = await three();
  await using _stack = stack;
  const record = await sealInviteRecord(keys, { account: ada.account, name: "ada" });
  const room = { relay: answering({ record }), store: bob.store, clock: mail.clock, outbox: bob.outbox };
  const claimed = await claimInvite(room, secret, bob.account);
  const names = { own: bob.account, ownName: "bob", name: "" };
  const failing = { ...room, outbox: { ...bob.outbox, queue: () => Promise.reject(new Error("the disk is full")) } };
  await assert.rejects(answerInvite(failing, claimed, names), /disk is full/);
  const contacts = new Contacts(bob.store, mail.clock);
  assert.deepEqual(await contacts.list(), []);

  const { contact, id } = await answerInvite(room, claimed, names);
  assert.deepEqual([contact.name, contact.verified, contact.account], ["ada", true, ada.account]);
  const again = await answerInvite(room, await claimInvite(room, secret, bob.account), { ...names, ownName: "rob" });
  assert.deepEqual([again.id, again.contact.name], [id, "ada"], "a repeat changes nothing");
  assert.deepEqual(await bob.outbox.queued(), [id]);

  for await (const { error } of flushQueue(bob.room)) assert.equal(error, null);
  assert.deepEqual(told(await read(ada)), ["accepted bob"]);
  await assert.rejects(claimInvite(room, secret, bob.account), { code: "invite_used" });
});

Deno.test("a relay that hands out another record makes no contact, and an own invite is not claimed", async () => {
  const { mail, ada, bob, eve, stack } = await three();
  await using _stack = stack;
  const other = inviteKeys(new Uint8Array(16).fill(8));
  const forged = [
    await sealInviteRecord(other, { account: eve.account, name: "ada" }),
    await sealInviteRecord({ ...other, locator: keys.locator }, { account: eve.account, name: "ada" }),
    eve.device,
    new Uint8Array(0),
  ];
  for (const record of forged) {
    const room = { relay: answering({ record }), store: bob.store, clock: mail.clock, outbox: bob.outbox };
    await assert.rejects(claimInvite(room, secret, bob.account), { code: "cannot_open" });
  }
  const asked = { rpc: { unary: () => assert.fail("the relay was asked, and the invite used up") } };
  const own = { relay: asked as unknown as Pick<RelayClient, "rpc">, store: ada.store, clock: mail.clock };
  await assert.rejects(claimInvite({ ...own, outbox: ada.outbox }, secret, ada.account), { code: "usage" });
});

Deno.test("a message that also carries an answer is a message, and makes no contact", async () => {
  const { ada, bob, answer, send, contacts, stack } = await three();
  await using _stack = stack;
  const { inviteAccept } = answer(bob, "bob").content;
  await send(bob, { ...bob.draft(""), content: { ...textContent("hello"), inviteAccept } as Content });
  assert.deepEqual(told(await read(ada)), ["message hello"]);
  assert.deepEqual(await contacts.list(), []);
});
