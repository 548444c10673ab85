/**
 * People whose clocks are wrong, for a while or from the start: nothing is deleted early, and what is refused says why.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { type Account, accountFromSeed } from "../../crypto/account.ts";
import { type Signer, signerFromSeed } from "../../crypto/ed25519.ts";
import { type Clock, systemClock, systemRandom } from "../../client/clock.ts";
import { KeyDirectory } from "../../client/directory.ts";
import { Inbox } from "../../client/inbox.ts";
import { newMessageId } from "../../client/message_id.ts";
import { createOutbox } from "../../client/outbox.ts";
import { ensurePublished } from "../../client/publish.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { flushQueue, sendMessage, type SendRoom } from "../../client/send.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import type { ClientStore } from "../../client/storage/store.ts";
import { type ErrorCode, QightError } from "../../proto/errors.ts";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { testRelay } from "../helpers/test_relay.ts";

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

/** Somebody on a machine whose wall clock is `skewMs` off; timers and the monotonic clock are as they should be. */
class Member implements AsyncDisposable {
  skewMs = 0;
  readonly clock: Clock = { ...systemClock, now: () => Date.now() + this.skewMs };

  private constructor(
    readonly address: string,
    readonly account: Account,
    readonly signer: Signer,
    readonly store: ClientStore,
  ) {}

  static async of(address: string, seed: number): Promise<Member> {
    const account = await accountFromSeed(new Uint8Array(32).fill(seed));
    const signer = await signerFromSeed(new Uint8Array(32).fill(seed + 100));
    const store = await openSqliteStore({ path: ":memory:", key: new Uint8Array(32).fill(seed) });
    return new Member(address, account, signer, store);
  }

  /** What every command does first, and then `work`. */
  async session<T>(work: (room: SendRoom) => Promise<T>): Promise<T> {
    const { store, clock, signer, account } = this;
    await using relay = await RelayClient.connect(this.address, { signer, clock });
    const identity = { account, signer, deviceName: "test" };
    const { bundle } = await ensurePublished({ relay, store, identity, clock, random: systemRandom });
    const outbox = createOutbox({ store, relay: "test", clock, random: systemRandom });
    const room = { relay, outbox, directory: new KeyDirectory(store, clock), author: { signer, bundle } };
    await outbox.purge(relay.session.maxTtlS * 1000);
    return await work(room);
  }

  draft(text: string) {
    const createdAtMs = this.clock.now();
    const content = create(ContentSchema, { body: { case: "text", value: text } });
    return { id: newMessageId(createdAtMs, systemRandom), createdAtMs, ttlS: 0, plaintext: false, content };
  }

  async send(to: Member, text: string): Promise<void> {
    await this.session(async (room) => {
      const { error } = await sendMessage(room, to.account.hash, this.draft(text));
      if (error) throw error;
    });
  }

  /** Texts of new messages; anything else that is told is a word of its own. `onFirst` runs once the first is shown. */
  async read(options: { follow?: boolean; onFirst?: () => Promise<void> } = {}): Promise<string[]> {
    const words: string[] = [];
    await this.session(async ({ relay, directory }) => {
      const { store, clock, signer } = this;
      const source = { client: () => Promise.resolve(relay) };
      const inbox = new Inbox({ source, store, directory, device: signer.publicKey, clock });
      for await (const event of inbox.read({ follow: options.follow ?? false })) {
        if (event.type === "caught_up") continue;
        if (event.type !== "message") {
          words.push(event.type);
          continue;
        }
        await inbox.printing(event);
        words.push(String(event.content.body.value));
        await inbox.shown(event);
        if (words.length === 1) await options.onFirst?.();
      }
      await inbox.flush();
    });
    return words;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

/** The code of what `work` throws, or "ok"; a refusal must blame a clock. */
async function outcome(work: Promise<unknown>): Promise<ErrorCode | "ok"> {
  try {
    await work;
    return "ok";
  } catch (thrown) {
    assert.ok(thrown instanceof QightError, String(thrown));
    assert.match(`${thrown.message} ${thrown.hint}`, /clock/);
    return thrown.code;
  }
}

type Expected = { readonly reading: ErrorCode | "ok"; readonly sending: ErrorCode | "ok" };
const skews: readonly (readonly [string, number, Expected])[] = [
  ["a year behind", -YEAR, { reading: "ok", sending: "expired" }],
  ["an hour behind", -HOUR, { reading: "ok", sending: "ok" }],
  ["an hour ahead", HOUR, { reading: "ok", sending: "from_the_future" }],
  ["a year ahead", YEAR, { reading: "from_the_future", sending: "from_the_future" }],
];

for (const [how, skewMs, expected] of skews) {
  const fate = expected.reading === "ok" ? "still reads" : "is told so";
  Deno.test(`regression: a reader whose clock is ${how} for a while ${fate}, and later reads and writes as before`, async () => {
    await using relay = await testRelay();
    await using ada = await Member.of(relay.address, 1);
    await using bob = await Member.of(relay.address, 2);
    await bob.read();
    await ada.send(bob, "one");
    bob.skewMs = skewMs;
    const before: string[] = [];
    assert.equal(await outcome(bob.read().then((words) => before.push(...words))), expected.reading);
    assert.equal(await outcome(bob.send(ada, "from a wrong clock")), expected.sending);
    bob.skewMs = 0;
    await ada.send(bob, "two");
    assert.deepEqual([...before, ...await bob.read()], ["one", "two"], "each once, none unreadable");
    await bob.send(ada, "answer");
    const sent = expected.sending === "ok" ? ["from a wrong clock", "answer"] : ["answer"];
    assert.deepEqual(await ada.read(), sent);
  });

  Deno.test(`regression: somebody who begins with a clock ${how} is reachable once it is right`, async () => {
    await using relay = await testRelay();
    await using ada = await Member.of(relay.address, 1);
    await using bob = await Member.of(relay.address, 2);
    bob.skewMs = skewMs;
    const first = await outcome(bob.read());
    assert.equal(first, skewMs === -YEAR ? "bad_bundle" : expected.reading);
    bob.skewMs = 0;
    await bob.read();
    await ada.send(bob, "hello");
    assert.deepEqual(await bob.read(), ["hello"]);
  });
}

Deno.test("regression: a clock that leaps a year ahead while a reader follows ends it, and no mail is called too old", async () => {
  await using relay = await testRelay();
  await using ada = await Member.of(relay.address, 1);
  await using bob = await Member.of(relay.address, 2);
  await bob.read();
  await ada.send(bob, "before");
  const reading = bob.read({
    follow: true,
    onFirst: async () => {
      bob.skewMs = YEAR;
      await ada.send(bob, "after");
    },
  });
  assert.equal(await outcome(reading), "from_the_future");
  bob.skewMs = 0;
  assert.deepEqual(await bob.read(), ["after"]);
});

Deno.test("regression: what was queued under a clock a year behind is named when it can no longer go out", async () => {
  await using relay = await testRelay();
  await using ada = await Member.of(relay.address, 1);
  await using bob = await Member.of(relay.address, 2);
  await bob.read();
  const outbox = createOutbox({ store: ada.store, relay: "test", clock: ada.clock, random: systemRandom });
  ada.skewMs = -YEAR;
  const old = ada.draft("old");
  await outbox.queue(bob.account.hash, old);
  ada.skewMs = 0;
  await outbox.queue(bob.account.hash, ada.draft("new"));
  assert.deepEqual(await outbox.purge(30 * 24 * HOUR), [old.id]);
  await ada.session(async (room) => {
    for await (const { error } of flushQueue(room)) assert.equal(error, null);
  });
  assert.deepEqual(await bob.read(), ["new"]);
});
