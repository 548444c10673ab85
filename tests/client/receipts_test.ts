/** Receipts at the sender: only what proves its own message counts, and no receipt undoes an acceptance. @module */
import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { getReceipt, sendForReceipt, type SendOutcome } from "../../client/receipts.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { createRpc, type Rpc } from "../../client/rpc.ts";
import { repeatMessage, sendMessage } from "../../client/send.ts";
import { sendPipelined } from "../../client/send_many.ts";
import { parseEnvelope } from "../../crypto/envelope.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { openReceipt, type ReceiptFields, signReceipts } from "../../crypto/receipt.ts";
import { QightError } from "../../proto/errors.ts";
import * as delivery from "../../proto/gen/qight/v1/delivery_pb.ts";
import { envelope, person } from "../helpers/people.ts";
import { testRelay } from "../helpers/test_relay.ts";
import { MailRelay } from "./mail_relay.ts";
import { Person } from "./person.ts";
import { type Script, scripted, type ScriptedCall } from "./scripted_relay.ts";
import { TestClock } from "./test_clock.ts";

const NOW = 1_800_000_000_000;
const root = await signerFromSeed(new Uint8Array(32).fill(0x0a));
const otherRoot = await signerFromSeed(new Uint8Array(32).fill(0x0b));
const [ada, bob] = [await person(1, NOW), await person(2, NOW)];
const envelopes = await Promise.all([1, 2, 3].map(() => envelope(ada, bob, NOW)));

function subject(bytes: Uint8Array, seq: number): ReceiptFields {
  const { recipient, id, bodyHash } = parseEnvelope(bytes);
  return { mailbox: recipient, seq, id, bodyHash, receivedAtMs: NOW };
}

/** A receipt for the first envelope under number 1, unless a row changes that. */
async function receipt(change: Partial<ReceiptFields> = {}, by = root): Promise<Uint8Array> {
  return (await signReceipts(by, [{ ...subject(envelopes[0], 1), ...change }]))[0];
}

type Step = MessageInitShape<typeof delivery.SendOutcomeSchema>["kind"] | "break";
const accepted = (seq: number): Step => ({ case: "accepted", value: { seq: BigInt(seq), expiresAtMs: 9n } });
const withReceipt = (value: Uint8Array): Step => ({ case: "receipt", value });

async function play(call: ScriptedCall, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (step === "break") return call.stream.reset();
    await call.reply(delivery.SendOutcomeSchema, { kind: step });
  }
  await call.end();
}

async function withRpc<T>(script: Script, work: (rpc: Rpc) => Promise<T>): Promise<T> {
  const { connection } = scripted(script);
  try {
    return await work(createRpc(connection));
  } finally {
    connection.close();
  }
}

const sendOnce = (steps: readonly Step[]) =>
  withRpc({
    SendForReceipt: async (call) => {
      assert.equal((await call.next(delivery.SendRequestSchema))!.receipt, true);
      await play(call, steps);
    },
  }, (rpc) => sendForReceipt(rpc, root.publicKey, envelopes[0]));

Deno.test("a good receipt comes with the answer", async () => {
  const good = await receipt();
  const { seq, expiresAtMs, signed } = await sendOnce([accepted(1), withReceipt(good)]);
  assert.deepEqual([seq, expiresAtMs, signed!.bytes!.toHex(), signed!.error], [1, 9, good.toHex(), null]);
});

const altered = await receipt();
altered[60] ^= 1;
const worthless: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["of another relay", await receipt({}, otherRoot), /another relay/],
  ["for another mailbox", await receipt({ mailbox: ada.device.publicKey }), /another mailbox/],
  ["for another number", await receipt({ seq: 2 }), /number 2, the relay's answer 1/],
  ["for another message", await receipt({ id: new Uint8Array(16) }), /another message/],
  ["for other content", await receipt({ bodyHash: new Uint8Array(32) }), /other content/],
  ["that was altered on the way", altered, /proves nothing/],
  ["of 3 KiB", new Uint8Array(3000), /at most/],
  ["of nothing", new Uint8Array(0), /not 32/],
];
for (const [what, bytes, words] of worthless) {
  Deno.test(`a receipt ${what} is an error of its own kind, and the message stays accepted`, async () => {
    const { seq, signed } = await sendOnce([accepted(1), withReceipt(bytes)]);
    assert.equal(seq, 1);
    assert.equal(signed!.bytes, null);
    assert.deepEqual([signed!.error!.code, signed!.error!.exit], ["bad_receipt", 65]);
    assert.match(signed!.error!.message, words);
    assert.match(signed!.error!.hint, /has the message/);
  });
}

const without: readonly (readonly [string, readonly Step[]])[] = [
  ["ends without one", [accepted(1)]],
  ["breaks off after the answer", [accepted(1), "break"]],
  ["answers twice instead", [accepted(1), accepted(2)]],
];
for (const [what, steps] of without) {
  Deno.test(`a relay that ${what} has accepted the message, without a receipt`, async () => {
    const { seq, signed } = await sendOnce(steps);
    assert.deepEqual([seq, signed], [1, { bytes: null, error: null }]);
  });
}

Deno.test("a receipt before the answer, and an end without any, accept nothing", async () => {
  await assert.rejects(sendOnce([withReceipt(await receipt())]), { code: "bad_frame" });
  await assert.rejects(sendOnce([]), { code: "bad_frame" });
  await assert.rejects(sendOnce(["break"]), { code: "unreachable" });
});

Deno.test("a relay that knows no receipts is asked without, once", async () => {
  let sends = 0;
  const Send = async (call: ScriptedCall) => {
    sends++;
    await call.next(delivery.SendRequestSchema);
    await call.reply(delivery.SendResponseSchema, { seq: 4n });
    await call.stream.end();
  };
  const { seq, signed } = await withRpc({ Send }, (rpc) => sendForReceipt(rpc, root.publicKey, envelopes[0]));
  assert.deepEqual([seq, signed, sends], [4, { bytes: null, error: null }, 1]);
  const later = withRpc({}, (rpc) => getReceipt(rpc, root.publicKey, subject(envelopes[0], 1)));
  assert.deepEqual(await later, { bytes: null, error: null });
});

/** Outcomes in short: `1+` number 1 with receipt, `1-` without, `1!` with a bad one, else the code. */
function short(outcome: SendOutcome): string {
  if (outcome.kind === "failed") return outcome.error.code;
  const { seq, signed } = outcome.receipt;
  return `${seq}${signed!.bytes ? "+" : signed!.error ? "!" : "-"}`;
}

const refused: Step = { case: "failure", value: { number: 7501, message: "full" } };
const good = await signReceipts(root, envelopes.map((bytes, at) => subject(bytes, at + 1)));
const lastIsSecond = await signReceipts(root, [subject(envelopes[0], 1), subject(envelopes[2], 2)]);
const pipelines: readonly (readonly [string, readonly Step[], readonly string[], string?])[] = [
  ["each after its answer", [1, 2, 3].flatMap((n) => [accepted(n), withReceipt(good[n - 1])]), ["1+", "2+", "3+"]],
  ["all after all answers", [...[1, 2, 3].map(accepted), ...good.map(withReceipt)], ["1+", "2+", "3+"]],
  [
    "none for what was refused",
    [accepted(1), refused, accepted(2), ...lastIsSecond.map(withReceipt)],
    ["1+", "queue_full", "2+"],
  ],
  [
    "in the wrong order",
    [...[1, 2, 3].map(accepted), ...[good[1], good[0], good[2]].map(withReceipt)],
    ["1!", "2!", "3+"],
  ],
  ["some never", [...[1, 2, 3].map(accepted), withReceipt(good[0])], ["1+", "2-", "3-"]],
  ["one too many", [...[1, 2, 3].map(accepted), ...good.map(withReceipt), withReceipt(good[0])], [
    "1+",
    "2+",
    "3+",
  ], "bad_frame"],
  ["one before its answer", [withReceipt(good[0])], [], "bad_frame"],
  ["and then the connection broke", [accepted(1), accepted(2), withReceipt(good[0]), "break"], [
    "1+",
    "2-",
  ], "unreachable"],
];
for (const [what, steps, expected, code] of pipelines) {
  Deno.test(`receipts in a pipeline: ${what}`, async () => {
    const seen: string[] = [];
    const run = withRpc({
      SendMany: async (call) => {
        while (await call.next(delivery.SendRequestSchema));
        await play(call, steps);
      },
    }, async (rpc) => {
      const outcomes = sendPipelined(rpc, envelopes, { receiptsOf: root.publicKey });
      for await (const outcome of outcomes) seen.push(short(outcome));
    });
    if (code) await assert.rejects(run, { code });
    else await run;
    assert.deepEqual(seen, expected);
  });
}

Deno.test("a pipeline that nobody wants receipts of takes none", async () => {
  const run = withRpc({
    SendMany: async (call) => {
      assert.equal((await call.next(delivery.SendRequestSchema))!.receipt, false);
      await play(call, [accepted(1), withReceipt(good[0])]);
    },
  }, (rpc) => Array.fromAsync(sendPipelined(rpc, envelopes)));
  await assert.rejects(run, { code: "bad_frame" });
});

/** Two people at a real relay, whose outboxes are files in memory. */
async function atRelay(run: (ada: Person, bob: Person, relayRoot: Uint8Array) => Promise<void>): Promise<void> {
  const clock = new TestClock(NOW);
  await using relay = await testRelay({ now: clock.now });
  const mail = {
    clock,
    connect: (options: object) => RelayClient.connect(relay.address, options),
  } as unknown as MailRelay;
  await using first = await Person.join(mail, 1);
  await using second = await Person.join(mail, 2);
  await run(first, second, relay.relay.root);
}

Deno.test("a receipt is kept beside the sent message, and repeating the id gives it without asking the relay", async () => {
  await atRelay(async (ada, bob, relayRoot) => {
    const draft = ada.draft("hello");
    const { devices } = await sendMessage({ ...ada.room, receipts: true }, bob.account, draft);
    const { bytes } = devices[0].receipt!.signed!;
    const { mailbox, seq, id } = await openReceipt(bytes!, relayRoot);
    assert.deepEqual([mailbox.toHex(), seq, id.toHex()], [bob.device.toHex(), 1, draft.id.toHex()]);
    const unasked = { getReceipt: () => Promise.reject(new QightError("invariant", "the relay was asked")) };
    const room = { ...ada.room, relay: Object.assign(ada.relay, unasked), receipts: true };
    const again = await repeatMessage(room, draft.id);
    assert.deepEqual(again.devices[0].receipt!.signed, { bytes, error: null });
  });
});

Deno.test("the receipt of a message sent without one can be had later, once, and is kept then", async () => {
  await atRelay(async (ada, bob, relayRoot) => {
    const draft = ada.draft("hello");
    const { devices } = await sendMessage(ada.room, bob.account, draft);
    assert.equal(devices[0].receipt!.signed, undefined);
    const later = await repeatMessage({ ...ada.room, receipts: true }, draft.id);
    const { bytes } = later.devices[0].receipt!.signed!;
    assert.equal((await openReceipt(bytes!, relayRoot)).seq, 1);
    assert.deepEqual((await ada.outbox.receipt(draft.id, bob.device))!.receipt, bytes);
  });
});

Deno.test("a receipt that comes later for other content under the same id is refused and not kept", async () => {
  await atRelay(async (ada, bob) => {
    const draft = ada.draft("hello");
    await sendMessage(ada.room, bob.account, draft);
    const kept = (await ada.outbox.receipt(draft.id, bob.device))!;
    const { rpc } = ada.relay;
    const forged = (await signReceipts(root, [{
      mailbox: bob.device,
      seq: 1,
      id: draft.id,
      bodyHash: kept.bodyHash.map((byte) => byte ^ 1),
      receivedAtMs: NOW,
    }]))[0];
    const unary = () => Promise.resolve(create(delivery.GetReceiptResponseSchema, { receipt: forged }));
    const lying = Object.assign(Object.create(rpc), { unary }) as Rpc;
    const relay = Object.assign(ada.relay, {
      getReceipt: (message: ReceiptFields) => getReceipt(lying, root.publicKey, message),
    });
    const later = await repeatMessage({ ...ada.room, relay, receipts: true }, draft.id);
    assert.match(later.devices[0].receipt!.signed!.error!.message, /other content/);
    assert.equal((await ada.outbox.receipt(draft.id, bob.device))!.receipt, null);
  });
});

Deno.test("receipts go when the outbox forgets their message", async () => {
  await atRelay(async (ada, bob) => {
    const draft = ada.draft("hello");
    await sendMessage({ ...ada.room, receipts: true }, bob.account, draft);
    ada.mail.clock.advance(1001 + 10 * 60_000);
    await ada.outbox.purge(1000);
    assert.equal(await ada.outbox.receipt(draft.id, bob.device), null);
  });
});

Deno.test("over a relay that knows no receipts a message goes out all the same", async () => {
  const mail = new MailRelay(new TestClock());
  await using ada = await Person.join(mail, 1);
  await using bob = await Person.join(mail, 2);
  const { error, devices } = await sendMessage({ ...ada.room, receipts: true }, bob.account, ada.draft("old"));
  assert.equal(error, null);
  assert.deepEqual(devices[0].receipt!.signed, { bytes: null, error: null });
});
