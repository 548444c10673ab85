/**
 * Two processes of one device read one mailbox over one store: whoever comes second does as if the first may have died.
 * @module
 */
import assert from "node:assert/strict";
import type { Inbox, InboxMessage } from "../../client/inbox.ts";
import { sendMessage } from "../../client/send.ts";
import { MailRelay } from "./mail_relay.ts";
import { Person } from "./person.ts";
import { TestClock } from "./test_clock.ts";

/** So many messages in the hands of a reader that has not begun to show them. */
async function held(inbox: Inbox, count: number): Promise<{ messages: InboxMessage[]; leave: () => Promise<unknown> }> {
  const pages = inbox.pages();
  const messages: InboxMessage[] = [];
  while (messages.length < count) {
    const { value, done } = await pages.next();
    assert.ok(!done, "the mailbox has less");
    messages.push(...value.filter((event) => event.type === "message"));
  }
  return { messages, leave: () => pages.return(undefined) };
}

const texts = (messages: readonly InboxMessage[]) =>
  messages.map(({ content, redelivered }) => `${content.body.value}${redelivered ? " again" : ""}`);

Deno.test("regression: of two readers that hold the same page the second marks what the first is showing, and leaves out what it has shown", async () => {
  const mail = new MailRelay(new TestClock());
  await using ada = await Person.join(mail, 1);
  await using bob = await Person.join(mail, 2);
  for (const text of ["shown", "printing", "untouched"]) {
    assert.equal((await sendMessage(ada.room, bob.account, ada.draft(text))).error, null);
  }
  const older = bob.inbox;
  const newer = bob.inbox;
  const first = await held(older, 3);
  const second = await held(newer, 3);
  assert.deepEqual(texts(first.messages), ["shown", "printing", "untouched"]);
  assert.deepEqual(texts(second.messages), ["shown", "printing", "untouched"], "neither has begun");

  const [shown, printing] = await older.printing(first.messages[0], first.messages[1]);
  assert.deepEqual(texts([shown, printing]), ["shown", "printing"]);
  await older.shown(shown);
  const ours = await newer.printing(...second.messages);
  assert.deepEqual(texts(ours), ["printing again", "untouched"]);
  assert.deepEqual(texts(await older.printing(first.messages[2])), ["untouched again"]);
  await newer.shown(...ours);
  await newer.flush();
  assert.deepEqual([...new Set(mail.acknowledged)].toSorted(), [1, 2, 3], "the one left out is acknowledged as well");
  await first.leave();
  await second.leave();
});
