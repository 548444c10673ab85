/**
 * What senders and readers see of a mailbox: order, expiry, leases, waiting, room.
 * @module
 */
import assert from "node:assert/strict";
import type { DeliveryEvent, RelayClient } from "../../client/relay_client.ts";
import { parseEnvelope } from "../../crypto/envelope.ts";
import type { QightError } from "../../proto/errors.ts";
import { envelope, type Person, person } from "../helpers/people.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;

async function people(): Promise<[Person, Person]> {
  return await Promise.all([person(1, NOW), person(2, NOW)]);
}

function texts(events: DeliveryEvent[]): string[] {
  return events.filter((event) => event.type === "delivered")
    .map((event) => new TextDecoder().decode(parseEnvelope(event.envelope).payload));
}

async function sendTexts(client: RelayClient, from: Person, to: Person, list: string[], ttlS = 0): Promise<void> {
  for (const text of list) await client.send(await envelope(from, to, NOW, { text, ttlS }));
}

Deno.test("messages come in the order of their numbers, stay until acknowledged, and survive a restart", async () => {
  const [alice, bob] = await people();
  const dataDir = await Deno.makeTempDir();
  {
    await using relay = await testRelay({ now: () => NOW, dataDir });
    await using sender = await relay.join(alice);
    await using reader = await relay.join(bob);
    await sendTexts(sender, alice, bob, ["one", "two", "three"]);
    assert.deepEqual(texts(await Array.fromAsync(reader.fetch())), ["one", "two", "three"]);
  }
  {
    await using relay = await testRelay({ now: () => NOW, dataDir });
    await using reader = await relay.connect(bob);
    const events = await Array.fromAsync(reader.fetch({ afterSeq: 1 }));
    assert.deepEqual(texts(events), ["two", "three"]);
    const lease = events.find((event) => event.type === "lease")!;
    assert.equal(await reader.ack(lease.lease, [{ first: 1, last: 2 }]), 2);
    assert.deepEqual(texts(await Array.fromAsync(reader.fetch({ peek: true }))), ["three"]);
    await using sender = await relay.connect(alice);
    assert.equal((await sender.send(await envelope(alice, bob, NOW))).seq, 4);
  }
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("a watcher hears what was there, that it has caught up, and what comes after", async () => {
  const [alice, bob] = await people();
  await using relay = await testRelay({ now: () => NOW });
  await using sender = await relay.join(alice);
  await using reader = await relay.join(bob);
  await sendTexts(sender, alice, bob, ["before"]);
  const watch = reader.watch()[Symbol.asyncIterator]();
  const seen: string[] = [];
  for (let i = 0; i < 3; i++) seen.push((await watch.next()).value.type);
  assert.deepEqual(seen, ["lease", "delivered", "caught_up"]);
  await sendTexts(sender, alice, bob, Array.from({ length: 300 }, (_, i) => `after ${i}`));
  const after: DeliveryEvent[] = [];
  while (after.length < 300) after.push((await watch.next()).value);
  assert.deepEqual(texts(after), Array.from({ length: 300 }, (_, i) => `after ${i}`));
  await watch.return?.();
});

Deno.test("a long poll answers with the first message, and with nothing when its time is over", async () => {
  const [alice, bob] = await people();
  await using relay = await testRelay({ now: () => NOW });
  await using sender = await relay.join(alice);
  await using reader = await relay.join(bob);
  assert.deepEqual(texts(await Array.fromAsync(reader.fetch({ waitMs: 50 }))), []);
  const poll = Array.fromAsync(reader.fetch({ waitMs: 20_000 }));
  await sendTexts(sender, alice, bob, ["now"]);
  assert.deepEqual(texts(await poll), ["now"]);
});

Deno.test("an expired range reaches the reader as one typed event, and the sender's TTL is clamped", async () => {
  const [alice, bob] = await people();
  let now = NOW;
  await using relay = await testRelay({ now: () => now });
  await using sender = await relay.join(alice);
  await using reader = await relay.join(bob);
  await sendTexts(sender, alice, bob, ["short", "short"], 1);
  await sendTexts(sender, alice, bob, ["long"], 3600);
  const receipt = await sender.send(await envelope(alice, bob, NOW, { ttlS: 0xffffffff }));
  assert.equal(receipt.expiresAtMs, NOW + relay.config.storage.maxTtlMs);
  now += 5000;
  const events = await Array.fromAsync(reader.fetch({ peek: true }));
  assert.deepEqual(events.filter((event) => event.type === "expired"), [{ type: "expired", first: 1, last: 2 }]);
  assert.deepEqual(texts(events), ["long", "hello"]);
});

Deno.test("a full mailbox refuses at once, drops nothing, and says when there is room again", async () => {
  const [alice, bob] = await people();
  await using relay = await testRelay({ now: () => NOW, storage: { maxQueue: 4 } });
  await using sender = await relay.join(alice);
  await using reader = await relay.join(bob);
  await sendTexts(sender, alice, bob, ["1", "2", "3", "4"]);
  await assert.rejects(
    async () => await sender.send(await envelope(alice, bob, NOW)),
    (error: QightError) => error.code === "queue_full" && error.exit === 75 && error.retryAfterMs! > 0,
  );
  // Another mailbox is not affected.
  await sendTexts(sender, alice, alice, ["own"]);
  const room = sender.awaitRoom(bob.device.publicKey);
  const events = await Array.fromAsync(reader.fetch());
  assert.deepEqual(texts(events), ["1", "2", "3", "4"]);
  const lease = events.find((event) => event.type === "lease")!;
  await reader.ack(lease.lease, [{ first: 1, last: 2 }]);
  await room;
  assert.equal((await sender.send(await envelope(alice, bob, NOW))).seq, 5);
});

Deno.test("a sender above its rate is told how long to wait, and others go on", async () => {
  const [alice, bob] = await people();
  await using relay = await testRelay({ now: () => NOW, limits: { sendPerMinute: 60, sendBurst: 3 } });
  await using sender = await relay.join(alice);
  await using other = await relay.join(bob);
  const outcomes = await Array.fromAsync(
    sender.sendMany(await Promise.all(Array.from({ length: 6 }, () => envelope(alice, bob, NOW)))),
  );
  const refused = outcomes.filter((outcome) => outcome.kind === "failed");
  assert.ok(refused.length >= 2, `${refused.length} refused`);
  assert.ok(refused.every(({ error }) => error.code === "rate_limited" && error.retryAfterMs! > 0));
  assert.equal((await other.send(await envelope(bob, alice, NOW))).seq, 1);
});

const doors: [string, string, { mode: "token" | "allowlist" }, "bad_token" | "not_allowed"][] = [
  ["token", "no token", { mode: "token" }, "bad_token"],
  ["allowlist", "not on the list", { mode: "allowlist" }, "not_allowed"],
];
for (const [mode, what, auth, code] of doors) {
  Deno.test(`in ${mode} mode a session with ${what} may ping and nothing else`, async () => {
    const [alice] = await people();
    await using relay = await testRelay({ now: () => NOW, auth });
    await using client = await relay.connect(alice, { bundle: alice.bundle.bytes });
    await client.ping();
    await assert.rejects(
      client.publishBundle(alice.bundle.bytes, 0),
      (error: QightError) => error.code === code && error.exit === 77,
    );
    await assert.rejects(client.capabilities(), (error: QightError) => error.code === code);
  });
}

Deno.test("token mode prints one first token, which lets a session in; a wrong one does not", async () => {
  const [alice, bob] = await people();
  await using relay = await testRelay({ now: () => NOW, auth: { mode: "token" } });
  const token = relay.relay.firstToken;
  assert.ok(token);
  await using client = await relay.connect(alice, { token });
  await client.publishBundle(alice.bundle.bytes, 0);
  await using stranger = await relay.connect(bob, { token: token.slice(0, -1) + (token.endsWith("a") ? "b" : "a") });
  await assert.rejects(stranger.capabilities(), (error: QightError) => error.code === "bad_token");
});

Deno.test("a drain answers what is under way and refuses what comes after", async () => {
  const [alice, bob] = await people();
  await using relay = await testRelay({ now: () => NOW });
  await using sender = await relay.join(alice);
  await (await relay.join(bob)).close();
  const under = sender.send(await envelope(alice, bob, NOW));
  const drained = under.then(() => relay.relay.drain());
  assert.equal((await under).seq, 1);
  await drained;
  await assert.rejects(async () => await sender.send(await envelope(alice, bob, NOW)), { code: "unreachable" });
});
