/** Keys that are asked for ahead save a round trip, and are checked as all others are. @module */
import assert from "node:assert/strict";
import { type DirectoryRelay, KeyDirectory } from "../../client/directory.ts";
import { MailRelay } from "./mail_relay.ts";
import { openStore, Person } from "./person.ts";
import { TestClock } from "./test_clock.ts";

/** Ada's session with questions counted; `tamper` changes answers. */
async function asking(tamper: (answer: Answer, asked: number) => Answer = (answer) => answer) {
  const mail = new MailRelay(new TestClock());
  const [ada, bob, eve] = [await Person.join(mail, 1), await Person.join(mail, 2), await Person.join(mail, 3)];
  const questions: string[] = [];
  const relay: DirectoryRelay = {
    getBundle: (who) => ada.relay.getBundle(who),
    async getSealingKeys(account) {
      questions.push(account.toHex());
      return tamper(await ada.relay.getSealingKeys(account), questions.length);
    },
  };
  const directory = new KeyDirectory(await openStore(":memory:"), mail.clock);
  return { directory, relay, questions, ada, bob, eve };
}

type Answer = Awaited<ReturnType<DirectoryRelay["getSealingKeys"]>>;

Deno.test("an answer that was asked for ahead is taken once, by its own account and session alone", async () => {
  const { directory, relay, questions, bob, eve } = await asking();
  directory.askAhead(relay, bob.account);
  assert.equal(questions.length, 1, "the question is out before anybody waits");
  assert.deepEqual((await directory.lookUp(relay, eve.account)).account, eve.account);
  assert.equal(questions.length, 2);
  assert.deepEqual((await directory.lookUp(relay, bob.account)).account, bob.account);
  assert.equal(questions.length, 2, "no second question about bob");
  await directory.lookUp(relay, bob.account);
  assert.equal(questions.length, 3, "a later look-up asks what is true then");
  directory.askAhead(relay, bob.account);
  await directory.lookUp({ ...relay }, bob.account);
  assert.equal(questions.length, 5, "another session asks for itself");
});

Deno.test("an account's keys that come ahead under another account's name are refused", async () => {
  const lie: { answer?: Answer } = {};
  const { directory, relay, bob, eve } = await asking((answer) => lie.answer ?? answer);
  lie.answer = await relay.getSealingKeys(eve.account);
  directory.askAhead(relay, bob.account);
  await assert.rejects(directory.lookUp(relay, bob.account), { code: "bad_bundle" });
});

Deno.test("a rollback of keys is seen in an answer that was asked for ahead too", async () => {
  const lie: { answer?: Answer } = {};
  const { directory, relay, bob } = await asking((answer) => lie.answer ?? answer);
  const before = await relay.getSealingKeys(bob.account);
  bob.mail.clock.advance(31 * 24 * 3600_000);
  await bob.connect(); // renews the sealing key
  await directory.lookUp(relay, bob.account);
  lie.answer = before;
  directory.askAhead(relay, bob.account);
  await assert.rejects(directory.lookUp(relay, bob.account), { code: "key_changed" });
});

Deno.test("a question ahead that fails is asked again", async () => {
  const { directory, relay, questions, bob } = await asking((answer, asked) => {
    if (asked === 1) throw new Error("lost");
    return answer;
  });
  directory.askAhead(relay, bob.account);
  assert.deepEqual((await directory.lookUp(relay, bob.account)).account, bob.account);
  assert.equal(questions.length, 2);
});
