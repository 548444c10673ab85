/**
 * C4, an authenticated client: it fills everything that it can fill, hears so at the first piece too many, and others go on.
 * That nothing old is dropped and that room is announced is in tests/relay/delivery_test.ts.
 * @module
 */
import assert from "node:assert/strict";
import { makeSealingKey } from "../../crypto/sealing_key.ts";
import type { ErrorCode, QightError } from "../../proto/errors.ts";
import { envelope, type Person, person } from "../helpers/people.ts";
import { type TestRelay, testRelay, type TestRelayOptions } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const DAY = 24 * 60 * 60 * 1000;
/** Pieces that fit. */
const QUOTA = 20;

const [mallory, victim, alice, carol] = await Promise.all([1, 2, 3, 4].map((number) => person(number, NOW)));
const payload = new Uint8Array(1000);
const { length } = await envelope(mallory, victim, NOW, { payload });

interface Quota {
  readonly what: string;
  readonly options: TestRelayOptions;
  readonly code: ErrorCode;
  /** Takes up one piece; the piece after `QUOTA` of them must be refused. */
  fill(relay: TestRelay, n: number): Promise<unknown>;
}

async function sendOne(relay: TestRelay): Promise<void> {
  await using client = await relay.connect(mallory);
  await client.send(await envelope(mallory, victim, NOW, { payload }));
}

const quotas: readonly Quota[] = [
  { what: "messages in a mailbox", options: { storage: { maxQueue: QUOTA } }, code: "queue_full", fill: sendOne },
  {
    what: "bytes in a mailbox",
    options: { storage: { maxQueueBytes: QUOTA * length } },
    code: "queue_full",
    fill: sendOne,
  },
  {
    what: "sends of one device",
    options: { limits: { sendPerMinute: 1, sendBurst: QUOTA } },
    code: "rate_limited",
    fill: sendOne,
  },
  {
    what: "new accounts from one address",
    // The four people of the scene come from the same address.
    options: { limits: { newAccountsPerIpPerDay: QUOTA + 4 } },
    code: "rate_limited",
    async fill(relay, n) {
      await using _ = await relay.join(await person(100 + n, NOW));
    },
  },
];

for (const { what, options, code, fill } of quotas) {
  Deno.test(`C4: ${what}: ${QUOTA} fit, the next one is ${code}, and others are unharmed`, async () => {
    await using relay = await testRelay({ now: () => NOW, ...options });
    await everybodyJoins(relay);
    for (let n = 0; n < QUOTA; n++) await fill(relay, n);
    for (let again = 0; again < 3; again++) {
      await assert.rejects(async () => await fill(relay, QUOTA + again), (error: QightError) => {
        assert.equal(error.code, code, error.message);
        assert.ok(error.retryAfterMs! > 0, "it says when to come back");
        return true;
      });
    }
    await othersGoOn(relay);
  });
}

Deno.test(`C4: a device that publishes ${QUOTA} sealing keys has one, and others keep theirs`, async () => {
  await using relay = await testRelay({ now: () => NOW });
  await everybodyJoins(relay);
  const keyOf = (who: Person, createdAtMs: number) =>
    makeSealingKey(who.device, who.account.hash, crypto.getRandomValues(new Uint8Array(32)), {
      createdAtMs,
      expiresAtMs: NOW + 45 * DAY,
    });
  await using honest = await relay.connect(victim);
  const own = await keyOf(victim, NOW);
  await honest.publishSealingKey(own.bytes);
  await using client = await relay.connect(mallory);
  for (let n = 0; n < QUOTA; n++) await client.publishSealingKey((await keyOf(mallory, NOW - DAY + n)).bytes);
  assert.equal((await client.getSealingKeys(mallory.account.hash)).sealingKeys.length, 1);
  assert.deepEqual((await honest.getSealingKeys(victim.account.hash)).sealingKeys, [own.bytes]);
  await othersGoOn(relay);
});

Deno.test("C4: when the whole store is full everybody hears so, and everybody may still read and make room", async () => {
  await using relay = await testRelay({ now: () => NOW, storage: { maxTotal: QUOTA * length } });
  await everybodyJoins(relay);
  for (let n = 0; n < QUOTA; n++) await sendOne(relay);
  await using sender = await relay.connect(alice);
  await assert.rejects(async () => await sender.send(await envelope(alice, carol, NOW)), { code: "storage_full" });
  assert.equal(await readAll(relay, victim), QUOTA);
  await othersGoOn(relay);
});

async function everybodyJoins(relay: TestRelay): Promise<void> {
  for (const who of [mallory, victim, alice, carol]) await (await relay.join(who))[Symbol.asyncDispose]();
}

/** Somebody else writes to somebody else, and that is read. */
async function othersGoOn(relay: TestRelay): Promise<void> {
  await using sender = await relay.connect(alice);
  assert.equal((await sender.send(await envelope(alice, carol, NOW))).seq, 1);
  assert.equal(await readAll(relay, carol), 1);
}

/** Fetches and acknowledges everything; answers how many messages there were. */
async function readAll(relay: TestRelay, who: Person): Promise<number> {
  await using client = await relay.connect(who);
  let lease: Uint8Array | null = null;
  const seqs: number[] = [];
  for await (const event of client.fetch()) {
    if (event.type === "lease") lease = event.lease.slice();
    if (event.type === "delivered") seqs.push(event.seq);
  }
  return await client.ack(lease!, seqs.map((seq) => ({ first: seq, last: seq })));
}
