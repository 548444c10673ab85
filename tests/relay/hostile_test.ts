/**
 * What an attacker sees: a typed error or a closed connection, and other users unharmed.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { signBundle } from "../../crypto/bundle.ts";
import { signSessionProof } from "../../crypto/session_proof.ts";
import { dial } from "../../net/race.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { type ErrorCode, QightError } from "../../proto/errors.ts";
import { encodeFrames, FrameReader } from "../../proto/frame.ts";
import { DeliveryService } from "../../proto/gen/qight/v1/delivery_pb.ts";
import { EnvelopeBodySchema, SignedEnvelopeSchema } from "../../proto/gen/qight/v1/envelope_pb.ts";
import { HelloRequestSchema, SessionService } from "../../proto/gen/qight/v1/session_pb.ts";
import type { RelayClient, SendOutcome } from "../../client/relay_client.ts";
import { createRpc } from "../../client/rpc.ts";
import { systemClock, systemRandom } from "../../client/clock.ts";
import { envelope, type Person, person } from "../helpers/people.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

async function refused(code: ErrorCode, attempt: Promise<unknown>): Promise<QightError> {
  try {
    await attempt;
  } catch (thrown) {
    assert.ok(thrown instanceof QightError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    return thrown;
  }
  assert.fail(`${code} was expected, and it worked`);
}

async function received(client: RelayClient): Promise<number> {
  let count = 0;
  for await (const event of client.fetch({ peek: true })) if (event.type === "delivered") count++;
  return count;
}

function outcomeOf(outcome: SendOutcome): number | ErrorCode {
  return outcome.kind === "accepted" ? outcome.receipt.seq : outcome.error.code;
}

const rows: [string, ErrorCode, (alice: Person, bob: Person, eve: Person) => Promise<Uint8Array>][] = [
  ["a forged envelope", "bad_signature", async (alice, bob) => {
    const bytes = await envelope(alice, bob, NOW);
    bytes[bytes.length - 1] ^= 1;
    return bytes;
  }],
  ["a truncated envelope", "bad_envelope", async (alice, bob) => (await envelope(alice, bob, NOW)).subarray(0, -1)],
  ["an empty envelope", "bad_envelope", () => Promise.resolve(new Uint8Array(0))],
  [
    "an oversized envelope",
    "message_too_large",
    (alice, bob) => envelope(alice, bob, NOW, { payload: new Uint8Array(9000) }),
  ],
  ["an expired envelope", "expired", (alice, bob) => envelope(alice, bob, NOW, { createdAtMs: NOW - 31 * DAY })],
  [
    "an envelope from the future",
    "from_the_future",
    (alice, bob) => envelope(alice, bob, NOW, { createdAtMs: NOW + 11 * MINUTE }),
  ],
  ["an envelope of another sender", "not_allowed", (_alice, bob, eve) => envelope(eve, bob, NOW)],
  ["an envelope to nobody", "no_such_recipient", (alice, _bob, eve) => envelope(alice, eve, NOW)],
  ["an envelope with an unknown field", "bad_envelope", async (alice, bob) => {
    const bytes = await envelope(alice, bob, NOW);
    return Uint8Array.of(...bytes, 0x18, 0x01);
  }],
  ["a re-encoded body under its own signature", "bad_envelope", async (alice, bob) => {
    // Version 1 as a two-byte varint: the same meaning, another encoding, correctly signed.
    const fields = {
      version: 1,
      id: new Uint8Array(16).fill(9),
      sender: alice.device.publicKey,
      recipient: bob.device.publicKey,
      createdAtMs: BigInt(NOW),
      contentType: 2,
      payload: Uint8Array.of(1),
    };
    const canonical = toBinary(EnvelopeBodySchema, create(EnvelopeBodySchema, fields));
    const body = Uint8Array.of(0x08, 0x81, 0x00, ...canonical.subarray(2));
    const domain = new TextEncoder().encode("qight envelope v1\0");
    const signature = await alice.device.sign(Uint8Array.of(...domain, ...body));
    return toBinary(SignedEnvelopeSchema, create(SignedEnvelopeSchema, { body, signature }));
  }],
];

Deno.test("hostile envelopes get a typed refusal, one by one and in a pipeline, and nothing is stored", async (t) => {
  const [alice, bob, eve] = await Promise.all([person(1, NOW), person(2, NOW), person(3, NOW)]);
  await using relay = await testRelay({ now: () => NOW, storage: { maxMessage: 4096 } });
  await using sender = await relay.join(alice);
  await using reader = await relay.join(bob);
  for (const [name, code, make] of rows) {
    await t.step(`${name}: ${code}`, async () => {
      const bytes = await make(alice, bob, eve);
      await refused(code, sender.send(bytes));
      const outcomes = await Array.fromAsync(sender.sendMany([bytes]));
      assert.deepEqual(outcomes.map(outcomeOf), [code]);
    });
  }
  assert.equal(await received(reader), 0);
  // The connection that carried all this still works.
  assert.equal((await sender.send(await envelope(alice, bob, NOW))).seq, 1);
});

Deno.test("a refused envelope in the middle of a pipeline leaves its neighbours accepted and in order", async () => {
  const [alice, bob] = await Promise.all([person(1, NOW), person(2, NOW)]);
  await using relay = await testRelay({ now: () => NOW });
  await using sender = await relay.join(alice);
  await using reader = await relay.join(bob);
  const all = await Promise.all(Array.from({ length: 50 }, (_, i) => envelope(alice, bob, NOW, { text: `${i}` })));
  all[20][all[20].length - 1] ^= 1;
  const outcomes = await Array.fromAsync(sender.sendMany(all));
  assert.deepEqual(outcomes.map(outcomeOf), [
    ...Array.from({ length: 20 }, (_, i) => i + 1),
    "bad_signature",
    ...Array.from({ length: 29 }, (_, i) => i + 21),
  ]);
  assert.equal(await received(reader), 49);
});

Deno.test("a replayed envelope gets its first answer and is stored once; its id with another body is a conflict", async () => {
  const [alice, bob] = await Promise.all([person(1, NOW), person(2, NOW)]);
  await using relay = await testRelay({ now: () => NOW });
  await using sender = await relay.join(alice);
  await using reader = await relay.join(bob);
  const id = new Uint8Array(16).fill(7);
  const bytes = await envelope(alice, bob, NOW, { id });
  assert.deepEqual((await sender.send(bytes)).duplicate, false);
  const again = await sender.send(bytes);
  assert.deepEqual([again.seq, again.duplicate], [1, true]);
  await refused("id_conflict", sender.send(await envelope(alice, bob, NOW, { id, text: "another" })));
  assert.equal(await received(reader), 1);
});

Deno.test("another identity's mailbox cannot be fetched, acknowledged or watched", async () => {
  const [alice, bob, eve] = await Promise.all([person(1, NOW), person(2, NOW), person(3, NOW)]);
  await using relay = await testRelay({ now: () => NOW });
  await using sender = await relay.join(alice);
  await using reader = await relay.join(bob);
  await sender.send(await envelope(alice, bob, NOW));
  let lease = new Uint8Array(0);
  for await (const event of reader.fetch()) if (event.type === "lease") lease = event.lease.slice();

  await using thief = await relay.join(eve);
  assert.equal(await received(thief), 0);
  await refused("lease_lost", thief.ack(lease, [{ first: 1, last: 1 }]));
  await using nobody = await relay.connect();
  for (const attempt of [Array.fromAsync(nobody.fetch()), Array.fromAsync(nobody.watch())]) {
    await refused("no_session", attempt);
  }
  await refused("no_session", nobody.ack(lease, [{ first: 1, last: 1 }]));
  assert.equal(await received(reader), 1);
});

Deno.test("calls before HELLO are refused, and PING is not", async () => {
  await using relay = await testRelay();
  const connection = await dial({ address: parseRelayAddress(relay.address), timeoutMs: 5000 });
  const rpc = createRpc(connection, { clock: systemClock, random: systemRandom, timeoutMs: 5000 });
  await rpc.unary(SessionService.method.ping, { data: Uint8Array.of(1) });
  await refused("no_session", rpc.unary(DeliveryService.method.send, { envelope: Uint8Array.of(1) }));
  connection.close();
});

Deno.test("a frame that announces 4 GiB is refused before anything is allocated, and others are unharmed", async () => {
  const alice = await person(1, Date.now());
  await using relay = await testRelay();
  await using other = await relay.join(alice);
  const connection = await dial({ address: parseRelayAddress(relay.address), timeoutMs: 5000 });
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 20; i++) {
    const stream = await connection.openStream();
    await stream.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2, 3));
    const reply = await new FrameReader(() => stream.read()).next(4096);
    assert.ok(reply, "a typed failure comes back");
    stream.reset();
  }
  assert.ok(Deno.memoryUsage().rss - before < 64 * 1024 * 1024);
  connection.close();
  await other.ping();
});

Deno.test("500 streams that nobody reads cost their owner and nobody else", async () => {
  const alice = await person(1, Date.now());
  await using relay = await testRelay({ limits: { streamsPerConnection: 16, requestTimeoutMs: 1500 } });
  await using other = await relay.join(alice);
  const connection = await dial({ address: parseRelayAddress(relay.address), timeoutMs: 5000 });
  const opened: Promise<unknown>[] = [];
  for (let i = 0; i < 500; i++) {
    opened.push(connection.openStream().then((stream) => stream.write(new Uint8Array(1000))).catch((error) => error));
  }
  for (let i = 0; i < 20; i++) await other.ping();
  connection.close();
  await Promise.all(opened);
});

Deno.test("a request that trickles in is given up at the request timeout", async () => {
  let now = NOW;
  await using relay = await testRelay({ now: () => now, limits: { requestTimeoutMs: 30_000 } });
  const connection = await dial({ address: parseRelayAddress(relay.address), timeoutMs: 5000 });
  const stream = await connection.openStream();
  await stream.write(encodeFrames(new Uint8Array(10)).subarray(0, 6));
  // The relay has seen the stream when it answers a later one.
  const rpc = createRpc(connection, { clock: systemClock, random: systemRandom, timeoutMs: 5000 });
  await rpc.unary(SessionService.method.ping, {});
  now += 31_000;
  await assert.rejects(async () => {
    while (await stream.read() !== null);
    throw new Error("ended");
  });
  connection.close();
});

Deno.test("a session proof is good once, for one relay and one connection", async (t) => {
  const alice = await person(1, NOW);
  await using relay = await testRelay({ now: () => NOW });
  const root = relay.relay.root;
  const dialled = root.toBase64({ alphabet: "base64url", omitPadding: true });

  async function helloWith(
    proofFor: (challenge: { relayNonce: Uint8Array; root: Uint8Array }, clientNonce: Uint8Array) => Promise<
      { dialled: string; signature: Uint8Array }
    >,
  ): Promise<{ signature: Uint8Array }> {
    const connection = await dial({ address: parseRelayAddress(relay.address), timeoutMs: 5000 });
    try {
      const rpc = createRpc(connection, { clock: systemClock, random: systemRandom, timeoutMs: 5000 });
      const call = await rpc.bidi(SessionService.method.hello);
      const answers = call.responses[Symbol.asyncIterator]();
      const clientNonce = new Uint8Array(32).fill(5);
      const start = { version: 1, clientNonce, device: alice.device.publicKey, client: "test" };
      await call.send(create(HelloRequestSchema, { step: { case: "start", value: start } }));
      const { value } = await answers.next();
      assert.equal(value.step.case, "challenge");
      const proof = await proofFor(value.step.value, clientNonce);
      await call.send(create(HelloRequestSchema, { step: { case: "proof", value: proof } }));
      const accepted = await answers.next();
      assert.equal(accepted.value.step.case, "accepted");
      return proof;
    } finally {
      connection.close();
    }
  }

  const honest = (nonce: Uint8Array, clientNonce: Uint8Array, name = dialled, toRoot = root) =>
    signSessionProof(alice.device, { transport: "quic", dialled: name, clientNonce, relayNonce: nonce, root: toRoot });
  const first = await helloWith(async ({ relayNonce }, clientNonce) => ({
    dialled,
    signature: await honest(relayNonce, clientNonce),
  }));
  const other = new Uint8Array(32).fill(1);
  const otherName = other.toBase64({ alphabet: "base64url", omitPadding: true });
  const attempts: [string, Parameters<typeof helloWith>[0]][] = [
    ["replayed from another connection", () => Promise.resolve({ dialled, signature: first.signature })],
    ["for another relay", async ({ relayNonce }, clientNonce) => ({
      dialled: otherName,
      signature: await honest(relayNonce, clientNonce, otherName, other),
    })],
    ["for another host name", async ({ relayNonce }, clientNonce) => ({
      dialled: "evil.example:4433",
      signature: await honest(relayNonce, clientNonce, "evil.example:4433"),
    })],
    ["without a signature", () => Promise.resolve({ dialled, signature: new Uint8Array(0) })],
  ];
  for (const [name, attempt] of attempts) {
    await t.step(name, async () => void await refused("bad_proof", helloWith(attempt)));
  }
});

Deno.test("a rolled-back or forked bundle is refused, and the newer one stays", async () => {
  const alice = await person(1, NOW);
  await using relay = await testRelay({ now: () => NOW + 10 });
  const fields = { createdAtMs: NOW, expiresAtMs: NOW + DAY, devices: alice.bundle.devices };
  const newer = await signBundle(alice.account, { ...fields, version: alice.bundle.version + 1 });
  const fork = await signBundle(alice.account, { ...fields, version: newer.version, expiresAtMs: NOW + 2 * DAY });
  await using client = await relay.connect(alice);
  await client.publishBundle(newer.bytes, 0);
  await refused("key_changed", client.publishBundle(alice.bundle.bytes, newer.version));
  await refused("key_changed", client.publishBundle(fork.bytes, newer.version));
  assert.deepEqual(await client.getBundle({ account: alice.account.hash }), newer.bytes);
});

Deno.test("a newer reader ends the older one, and the older one's acknowledgement is refused", async () => {
  const alice = await person(1, NOW);
  await using relay = await testRelay({ now: () => NOW });
  await using sender = await relay.join(alice);
  await sender.send(await envelope(alice, alice, NOW));
  await using older = await relay.connect(alice);
  const events = older.watch()[Symbol.asyncIterator]();
  const lease = (await events.next()).value;
  assert.equal(lease.type, "lease");
  assert.equal((await events.next()).value.type, "delivered");
  await using newer = await relay.connect(alice);
  await Array.fromAsync(newer.fetch());
  await refused(
    "lease_lost",
    (async () => {
      while (!(await events.next()).done);
    })(),
  );
  await refused("lease_lost", older.ack(lease.lease, [{ first: 1, last: 1 }]));
  assert.equal(await received(newer), 1);
});

Deno.test("the signature covers recipient, id, time and TTL: no byte of an envelope can be changed", async () => {
  const [alice, bob] = await Promise.all([person(1, NOW), person(2, NOW)]);
  await using relay = await testRelay({ now: () => NOW, limits: { sendPerMinute: 0 } });
  await using sender = await relay.join(alice);
  await using reader = await relay.join(bob);
  const bytes = await envelope(alice, bob, NOW, { ttlS: 60 });
  const changed = Array.from(bytes, (_, i) => {
    const copy = bytes.slice();
    copy[i] ^= 0x01;
    return copy;
  });
  const outcomes = await Array.fromAsync(sender.sendMany(changed));
  assert.equal(outcomes.length, bytes.length);
  // Each by itself: not because what came before it had ended the connection.
  const codes = new Set(outcomes.map((outcome) => outcome.kind === "failed" ? outcome.error.code : outcome.kind));
  assert.deepEqual([...codes].sort(), ["bad_envelope", "bad_signature", "from_the_future", "not_allowed"]);
  assert.equal(await received(reader), 0);
});
