/**
 * Receipts at the relay: for whom, when, and what they say, over both stores; and that nobody else waits for them.
 * @module
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { RelayClient, SendOutcome } from "../../client/relay_client.ts";
import { type Signer, signerFromSeed } from "../../crypto/ed25519.ts";
import { parseEnvelope } from "../../crypto/envelope.ts";
import { openReceipt, type ReceiptFields } from "../../crypto/receipt.ts";
import {
  DeliveryService,
  SendOutcomeSchema,
  type SendRequest,
  SendRequestSchema,
} from "../../proto/gen/qight/v1/delivery_pb.ts";
import { ReceiptSchema } from "../../proto/gen/qight/v1/receipt_pb.ts";
import type { CallContext } from "../../relay/dispatch.ts";
import { createLimits } from "../../relay/limits.ts";
import { Mailboxes } from "../../relay/mailboxes.ts";
import { createMetrics } from "../../relay/metrics.ts";
import type { AcceptanceRoom } from "../../relay/services/acceptance_room.ts";
import { sendForReceipt } from "../../relay/services/delivery.ts";
import { sendMany } from "../../relay/services/pipeline.ts";
import { ReceiptSigner } from "../../relay/services/receipts.ts";
import type { Enqueued, Store } from "../../relay/storage/store.ts";
import { defaultRelayConfig } from "../../relay/config.ts";
import { envelope, person } from "../helpers/people.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const [alice, bob, carol] = await Promise.all([1, 2, 3].map((number) => person(number, NOW)));

/** What a receipt for this envelope must say. */
function said(bytes: Uint8Array, seq: number, receivedAtMs = NOW): ReceiptFields {
  const { recipient, id, bodyHash } = parseEnvelope(bytes);
  return { mailbox: recipient, seq, id, bodyHash, receivedAtMs };
}

function signedOf(outcome: SendOutcome): Uint8Array {
  assert.ok(outcome.kind === "accepted" && outcome.receipt.signed?.bytes, JSON.stringify(outcome));
  return outcome.receipt.signed.bytes;
}

for (const backend of ["sqlite", "memory"] as const) {
  const storage = { backend };

  Deno.test(`${backend}: a receipt follows the answer and says mailbox, number, id, body hash and time`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage });
    await using sender = await relay.join(alice);
    await using _reader = await relay.join(bob);
    for (const seq of [1, 2]) {
      const bytes = await envelope(alice, bob, NOW);
      const receipt = await sender.send(bytes, { receipt: true });
      assert.deepEqual([receipt.seq, receipt.duplicate, receipt.signed!.error], [seq, false, null]);
      assert.deepEqual(await openReceipt(receipt.signed!.bytes!, relay.relay.root), said(bytes, seq));
    }
    assert.equal((await sender.send(await envelope(alice, bob, NOW))).signed, undefined);
  });

  Deno.test(`${backend}: in a pipeline each accepted message has its own receipt, the refused ones have none`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage });
    await using sender = await relay.join(alice);
    await using _reader = await relay.join(bob);
    const envelopes = await Promise.all(
      Array.from({ length: 600 }, (_, n) => envelope(alice, n % 7 === 3 ? carol : bob, NOW)),
    );
    const outcomes = await Array.fromAsync(sender.sendMany(envelopes, { receipt: true }));
    assert.equal(outcomes.length, 600);
    const signatures = new Set<string>();
    let seq = 0;
    for (const [n, outcome] of outcomes.entries()) {
      if (n % 7 === 3) {
        assert.equal(outcome.kind === "failed" && outcome.error.code, "no_such_recipient");
        continue;
      }
      const bytes = signedOf(outcome);
      assert.deepEqual(await openReceipt(bytes, relay.relay.root), said(envelopes[n], ++seq));
      signatures.add(fromBinary(ReceiptSchema, bytes).signature.toHex());
    }
    assert.ok(signatures.size < seq / 2, `${signatures.size} signatures for ${seq} receipts`);
  });

  Deno.test(`${backend}: a repeat gets the receipt of the first time, and so does who asks later`, async () => {
    let now = NOW;
    await using relay = await testRelay({ now: () => now, storage });
    await using sender = await relay.join(alice);
    await using reader = await relay.join(bob);
    const bytes = await envelope(alice, bob, NOW);
    await sender.send(bytes);
    now += 60_000;
    const again = await sender.send(bytes, { receipt: true });
    assert.equal(again.duplicate, true);
    assert.deepEqual(await openReceipt(again.signed!.bytes!, relay.relay.root), said(bytes, 1));
    const lease = (await Array.fromAsync(reader.fetch())).find((event) => event.type === "lease")!;
    await reader.ack(lease.lease, [{ first: 1, last: 1 }]);
    const { signed } = await getReceipt(sender, bytes);
    assert.deepEqual(await openReceipt(signed!, relay.relay.root), said(bytes, 1));
  });

  Deno.test(`${backend}: nobody else gets the receipt, and the answer is that for a message which never was`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage });
    await using sender = await relay.join(alice);
    await using reader = await relay.join(bob);
    const bytes = await envelope(alice, bob, NOW);
    await sender.send(bytes);
    const { recipient: mailbox, id } = parseEnvelope(bytes);
    const ask = async (who: RelayClient, mailbox: Uint8Array, id: Uint8Array) =>
      (await who.rpc.unary(DeliveryService.method.getReceipt, { mailbox, id })).receipt.length;
    assert.ok(await ask(sender, mailbox, id) > 0);
    const rows: [string, RelayClient, Uint8Array, Uint8Array][] = [
      ["the recipient", reader, mailbox, id],
      ["another id", sender, mailbox, new Uint8Array(16)],
      ["another mailbox", sender, alice.device.publicKey, id],
      ["a mailbox that is none", sender, new Uint8Array(32), id],
      ["a mailbox of three bytes", sender, new Uint8Array(3), id],
      ["an id of a thousand bytes", sender, mailbox, new Uint8Array(900)],
      ["nothing", sender, new Uint8Array(0), new Uint8Array(0)],
    ];
    for (const [who, client, box, of] of rows) assert.equal(await ask(client, box, of), 0, who);
    await using nobody = await relay.connect();
    await assert.rejects(ask(nobody, mailbox, id), { code: "no_session" });
  });
}

async function getReceipt(client: RelayClient, bytes: Uint8Array): Promise<{ signed: Uint8Array | null }> {
  const { recipient: mailbox, id, bodyHash } = parseEnvelope(bytes);
  return { signed: (await client.getReceipt({ mailbox, id, bodyHash })).bytes };
}

Deno.test("a receipt survives the relay's restart: it is signed anew and says the same", async () => {
  const dataDir = await Deno.makeTempDir();
  const bytes = await envelope(alice, bob, NOW);
  let before: Uint8Array;
  {
    await using relay = await testRelay({ now: () => NOW, dataDir });
    await using sender = await relay.join(alice);
    await using _reader = await relay.join(bob);
    const outcomes = await Array.fromAsync(
      sender.sendMany([await envelope(alice, bob, NOW), bytes, await envelope(alice, bob, NOW)], { receipt: true }),
    );
    before = signedOf(outcomes[1]);
  }
  {
    await using relay = await testRelay({ now: () => NOW + 1000, dataDir });
    await using sender = await relay.connect(alice);
    const after = (await getReceipt(sender, bytes)).signed!;
    const root = relay.relay.root;
    assert.deepEqual(await openReceipt(after, root), said(bytes, 2));
    assert.deepEqual(await openReceipt(before, root), said(bytes, 2));
    assert.deepEqual(fromBinary(ReceiptSchema, after).leaf, fromBinary(ReceiptSchema, before).leaf);
  }
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("a refused message gets its refusal from SendForReceipt too", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using sender = await relay.join(alice);
  await assert.rejects(sender.send(await envelope(alice, carol, NOW), { receipt: true }), {
    code: "no_such_recipient",
  });
  await assert.rejects(sender.send(await envelope(bob, alice, NOW), { receipt: true }), { code: "not_allowed" });
});

Deno.test("a drain lets a send have its answer and its receipt", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using sender = await relay.join(alice);
  await (await relay.join(bob)).close();
  const bytes = await envelope(alice, bob, NOW);
  const under = sender.send(bytes, { receipt: true });
  const [{ signed }] = await Promise.all([under, under.then(() => relay.relay.drain())]);
  assert.deepEqual(await openReceipt(signed!.bytes!, relay.relay.root), said(bytes, 1));
});

/** A root key whose signatures a test can hold back and count. */
async function heldSigner() {
  const real = await signerFromSeed(new Uint8Array(32).fill(9));
  const gate = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  let signatures = 0;
  const signer: Signer = {
    publicKey: real.publicKey,
    async sign(message) {
      signatures++;
      began.resolve();
      await gate.promise;
      return await real.sign(message);
    },
  };
  return { signer, release: () => gate.resolve(), began: began.promise, count: () => signatures };
}

function message(seq: number): ReceiptFields {
  const [mailbox, bodyHash] = [new Uint8Array(32), new Uint8Array(32)];
  return { mailbox, seq, id: new Uint8Array(16).fill(seq), bodyHash, receivedAtMs: NOW };
}

Deno.test("one signature for all that were accepted together, and one for all that came while it was made", async () => {
  const { signer, release, began, count } = await heldSigner();
  const receipts = new ReceiptSigner(signer);
  const first = [1, 2, 3].map((seq) => receipts.sign(message(seq)));
  await began;
  const second = [4, 5].map((seq) => receipts.sign(message(seq)));
  release();
  const signed = await Promise.all([...first, ...second]);
  for (const [at, bytes] of signed.entries()) {
    assert.deepEqual(await openReceipt(bytes, signer.publicKey), message(at + 1));
  }
  assert.deepEqual(signed.map((bytes) => fromBinary(ReceiptSchema, bytes).size), [3, 3, 3, 2, 2]);
  assert.equal(count(), 2);
  assert.deepEqual((await openReceipt(await receipts.sign(message(6)), signer.publicKey)).seq, 6);
});

Deno.test("a failed signature fails those who waited for it, and the next one is tried", async () => {
  let broken = true;
  const real = await signerFromSeed(new Uint8Array(32).fill(9));
  const sign = (bytes: Uint8Array) => broken ? Promise.reject(new Error("no key")) : real.sign(bytes);
  const receipts = new ReceiptSigner({ publicKey: real.publicKey, sign });
  const outcomes = await Promise.allSettled([1, 2].map((seq) => receipts.sign(message(seq))));
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
  broken = false;
  await receipts.sign(message(3));
});

/** What a service needs, over a store that answers as the test says. */
function serviceRoom(enqueue: () => Promise<Enqueued>, signer: Signer): AcceptanceRoom {
  const { limits } = defaultRelayConfig("/nowhere");
  return {
    store: { enqueue } as unknown as Store,
    blocks: { check: () => null },
    mailboxes: new Mailboxes(),
    limits: createLimits({ limits, now: () => NOW }),
    metrics: createMetrics({ version: "test" }),
    receipts: new ReceiptSigner(signer),
    retention: () => ({ defaultTtlMs: 1000, maxTtlMs: 1e9, maxEnvelope: 1e6 }),
    draining: () => false,
    now: () => NOW,
  };
}

/** Whatever could still be under way has had its turns. */
async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The service alone, over a store whose commit a test holds back. */
async function service(held: Awaited<ReturnType<typeof heldSigner>>) {
  const commit = Promise.withResolvers<Enqueued>();
  const enqueued = Promise.withResolvers<void>();
  const room = serviceRoom(() => {
    enqueued.resolve();
    return commit.promise;
  }, held.signer);
  const replies: string[] = [];
  const answered = Promise.withResolvers<void>();
  const request: SendRequest = create(SendRequestSchema, { envelope: await envelope(alice, bob, NOW), receipt: true });
  const call = {
    peer: { device: alice.device.publicKey },
    requests: { only: () => Promise.resolve(request) },
    reply: {
      send(bytes: Uint8Array) {
        replies.push(fromBinary(SendOutcomeSchema, bytes).kind.case!);
        answered.resolve();
        return Promise.resolve();
      },
      end: () => Promise.resolve(void replies.push("end")),
    },
  } as unknown as CallContext;
  return {
    commit,
    enqueued: enqueued.promise,
    answered: answered.promise,
    replies,
    serving: sendForReceipt(room, call),
  };
}

Deno.test("nothing is signed before the commit is on disk, and the answer does not wait for the signature", async () => {
  const held = await heldSigner();
  const { commit, enqueued, answered, replies, serving } = await service(held);
  await enqueued;
  await manyTurns();
  assert.deepEqual([held.count(), replies], [0, []]);
  commit.resolve({ kind: "stored", seq: 7, expiresAtMs: NOW + 1000 });
  await answered;
  assert.deepEqual(replies, ["accepted"]);
  await held.began;
  assert.deepEqual(replies, ["accepted"]);
  held.release();
  await serving;
  assert.deepEqual(replies, ["accepted", "receipt", "end"]);
});

Deno.test("a commit that failed is neither answered nor signed", async () => {
  const held = await heldSigner();
  held.release();
  const { commit, replies, serving } = await service(held);
  commit.resolve({ kind: "storage_full" });
  await assert.rejects(serving, { code: "storage_full" });
  assert.deepEqual([held.count(), replies], [0, []]);
});

Deno.test("a caller that takes no receipts holds up only itself: 256 messages wait, and no more are read", async () => {
  const signer = await signerFromSeed(new Uint8Array(32).fill(9));
  let seq = 0;
  const room = serviceRoom(() => Promise.resolve({ kind: "stored", seq: ++seq, expiresAtMs: NOW + 1000 }), signer);
  const request = create(SendRequestSchema, { envelope: await envelope(alice, bob, NOW), receipt: true });
  const bytes = toBinary(SendRequestSchema, request);
  const taken = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  let read = 0, answers = 0, receipts = 0;
  const call = {
    peer: { device: alice.device.publicKey },
    served: { owed: 0 },
    requests: {
      some(most: number) {
        const count = Math.min(most, 10);
        read += count;
        if (read >= 256) taken.resolve();
        if (count === 0 || read > 300) return Promise.reject(new Error(`${read} were read`));
        return Promise.resolve(new Array(count).fill(bytes));
      },
      done() {},
    },
    reply: {
      send(...replies: Uint8Array[]) {
        if (fromBinary(SendOutcomeSchema, replies[0]).kind.case === "receipt") {
          receipts++;
          return gone.promise;
        }
        answers += replies.length;
        return Promise.resolve();
      },
    },
  } as unknown as CallContext;
  const serving = sendMany(room, call);
  await taken.promise;
  // Signatures are made by other threads: how many turns they take nobody knows.
  while (answers < 256 || receipts === 0) await manyTurns();
  await manyTurns();
  assert.deepEqual([read, answers], [256, 256]);
  gone.reject(new Error("the caller is gone"));
  await assert.rejects(serving, /the caller is gone/);
});
