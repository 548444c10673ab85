/** Following a mailbox over sessions that end. @module */
import assert from "node:assert/strict";
import { Inbox } from "../../client/inbox.ts";
import type { RelayClient } from "../../client/relay_client.ts";
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
