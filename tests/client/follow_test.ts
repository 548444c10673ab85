/** Following a mailbox over sessions that end. @module */
import assert from "node:assert/strict";
import { Inbox } from "../../client/inbox.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import { sendMessage } from "../../client/send.ts";
import { QightError } from "../../proto/errors.ts";
import { MailRelay } from "./mail_relay.ts";
import { Person } from "./person.ts";
import { TestClock } from "./test_clock.ts";

Deno.test("regression: a reader that follows goes on with a new session when a call is not answered in time", async () => {
  const mail = new MailRelay(new TestClock());
  const ada = await Person.join(mail, 1);
  await using _ada = ada;
  let closed = 0, sessions = 0;
  const ended = new AbortController();
  const relays = [
    // deno-lint-ignore require-yield
    async function* () {
      throw new QightError("timeout");
    },
    async function* () {
      yield { type: "caught_up" as const, lastSeq: 0 };
      await new Promise((_, reject) => ended.signal.addEventListener("abort", () => reject(ended.signal.reason)));
    },
  ].map((watch) => ({
    session: ada.relay.session,
    relayNowMs: () => mail.clock.now(),
    watch,
    close: () => closed++,
    closed: Promise.resolve(),
  }));
  const source = { client: () => Promise.resolve(relays[Math.min(sessions++, 1)] as unknown as RelayClient) };
  const { store, directory, device } = ada;
  const inbox = new Inbox({ source, store, directory, device, clock: mail.clock });
  const seen: string[] = [];
  for await (const event of inbox.read({ follow: true, signal: ended.signal })) {
    seen.push(event.type);
    ended.abort();
  }
  assert.deepEqual(seen, ["caught_up"]);
  assert.equal(closed, 1);
});

// Found by `deno task prove --only lines-killed`: two messages of a page stayed unshown for ever.
Deno.test("regression: a session lost while one sender is looked up takes no other message of that page away", async () => {
  const mail = new MailRelay(new TestClock());
  const [ada, bob, cleo] = [await Person.join(mail, 1), await Person.join(mail, 2), await Person.join(mail, 3)];
  await using _ada = ada, _bob = bob, _cleo = cleo;
  for (const [from, text] of [[ada, "1"], [ada, "2"], [cleo, "3"]] as const) {
    assert.equal((await sendMessage(from.room, bob.account, from.draft(text))).error, null);
  }
  let cuts = 0;
  mail.beforeBundle = (account) => account.toHex() === cleo.account.toHex() && cuts++ === 0 ? "break" : undefined;
  await using source = bob.reconnector();
  const inbox = bob.inboxOver(source);
  const texts: unknown[] = [];
  for await (const event of inbox.read({ follow: true })) {
    if (event.type === "message") texts.push(event.content.body.value);
    if (event.type === "caught_up") break;
  }
  assert.equal(cuts, 2, "the session was not lost in the middle of the page");
  assert.deepEqual(texts, ["1", "2", "3"]);
});
