/**
 * Blocks at the relay: who is refused on every way to send, who is not, and that a restart forgets none.
 * @module
 */
import assert from "node:assert/strict";
import type { RelayClient } from "../../client/relay_client.ts";
import { directGroupId } from "../../crypto/direct_group.ts";
import { CONTENT_GROUP, type OpenedEnvelope, parseEnvelope } from "../../crypto/envelope.ts";
import { signVoucher } from "../../crypto/voucher.ts";
import { codeOfNumber } from "../../proto/errors.ts";
import { DeliveryService } from "../../proto/gen/qight/v1/delivery_pb.ts";
import { ModerationService } from "../../proto/gen/qight/v1/moderation_pb.ts";
import { Blocks, MAX_BLOCKS } from "../../relay/blocks.ts";
import { openMemoryStore } from "../../relay/storage/memory.ts";
import { roomy } from "../contracts/store_scene.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { groupInfo } from "../helpers/mls_bytes.ts";
import { envelope, type Person, person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { testRelay } from "../helpers/test_relay.ts";
import { adding, alice, bob, commitOf, saying, scene } from "./group_people.ts";

const NOW = 1_800_000_000_000;
const [ada, eve, carl] = await Promise.all([1, 2, 3].map((number) => person(number, NOW)));
const phone = await deviceNumber(51);
const { sendBatch } = DeliveryService.method;

const block = (who: RelayClient, whom: Person, blocked = true) =>
  who.rpc.unary(ModerationService.method.block, { account: whom.account.hash, blocked });

async function refused(action: () => Promise<unknown>, code: string, what = code) {
  const error = await refusal(action);
  assert.equal(error.code, code, `${what}: ${error.message}`);
  return error;
}

/** Every way to send one envelope; answers the code of a refusal, or null. */
const ways: readonly [string, (from: RelayClient, bytes: Uint8Array) => Promise<string | null>][] = [
  ["Send", (from, bytes) => from.send(bytes).then(() => null, ({ code }) => code)],
  ["SendForReceipt", (from, bytes) => from.send(bytes, { receipt: true }).then(() => null, ({ code }) => code)],
  ["SendBatch", async (from, bytes) => {
    const { outcomes: [{ kind }] } = await from.rpc.unary(sendBatch, { envelopes: [bytes] });
    return kind.case === "failure" ? codeOfNumber(kind.value.number) : null;
  }],
  ["SendMany", async (from, bytes) => {
    for await (const outcome of from.sendMany([bytes])) {
      return outcome.kind === "accepted" ? null : outcome.error.code;
    }
    return "nothing";
  }],
];

Deno.test("a blocked account is told so on every way to send, others are not, and lifting it lets messages in again", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using a = await relay.join(ada);
  await using e = await relay.join(eve);
  await using c = await relay.join(carl);
  await block(a, eve);
  await block(a, eve); // the same again is the same
  for (const [what, send] of ways) {
    assert.equal(await send(e, await envelope(eve, ada, NOW)), "refused_by_recipient", what);
    assert.equal(await send(c, await envelope(carl, ada, NOW)), null, `${what} by another`);
    assert.equal(await send(a, await envelope(ada, eve, NOW)), null, `${what} the other way`);
  }
  await block(a, eve, false);
  for (const [what, send] of ways) assert.equal(await send(e, await envelope(eve, ada, NOW)), null, what);
});

Deno.test("a block holds for all devices of both accounts, also those that come later, and ends where a device leaves", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using a = await relay.join(ada);
  await using e = await relay.join(eve);
  await block(a, eve);
  await using newer = await relay.connect({ ...ada, device: phone });
  const both = await listOf(ada.account, NOW, NOW + 1, [ada.device, phone]);
  await newer.publishBundle(both.bytes, NOW, { voucher: await signVoucher(ada.device, both, NOW + 600_000) });
  await refused(async () => e.send(await envelope(eve, { ...ada, device: phone }, NOW)), "refused_by_recipient");
  // The phone goes to Carl, who blocks nobody.
  const carls = await listOf(carl.account, NOW, NOW, [phone]);
  await newer.publishBundle(carls.bytes, 0);
  await e.send(await envelope(eve, { ...carl, device: phone }, NOW));
  await refused(async () => e.send(await envelope(eve, ada, NOW)), "refused_by_recipient");
});

Deno.test("in a group a blocked member's message is taken, in the direct conversation of the two it is refused", async () => {
  await using at = await scene();
  await block(at.b, alice);
  await at.a.send(await saying(alice, 1));
  const direct = directGroupId(alice.account.hash, bob.account.hash);
  await at.gb.createGroup({
    group: direct,
    suite: 83,
    directWith: alice.account.hash,
    groupInfo: groupInfo(direct, 0),
  });
  await at.gb.commit(commitOf(0, [bob, alice], { group: direct, groupInfo: groupInfo(direct, 1), ...adding([alice]) }));
  const said = (from: Person, id: number) => saying(from, 1, { group: direct, id });
  await refused(async () => at.a.send(await said(alice, 2)), "refused_by_recipient");
  await at.b.send(await said(bob, 3));
  await block(at.b, alice, false);
  await at.a.send(await said(alice, 4));
  // Somebody else's block of somebody else changes nothing here.
  await block(at.c, bob);
  await at.b.send(await said(bob, 5));
});

Deno.test("a relay that was stopped remembers who blocks whom, and an account that ended blocks nobody", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "qight-blocks-" });
  {
    await using relay = await testRelay({ now: () => NOW, dataDir });
    await using a = await relay.join(ada);
    await using _e = await relay.join(eve);
    await block(a, eve);
  }
  {
    await using relay = await testRelay({ now: () => NOW, dataDir });
    await using e = await relay.connect(eve);
    await refused(async () => e.send(await envelope(eve, ada, NOW)), "refused_by_recipient");
  }
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("nobody blocks themselves, in another's name, without end, or without an account", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using a = await relay.join(ada);
  await using stranger = await relay.connect(eve);
  await refused(() => block(a, ada), "not_allowed");
  await refused(() => block(stranger, ada), "not_allowed");
  const short = { account: new Uint8Array(31), blocked: true };
  await refused(() => a.rpc.unary(ModerationService.method.block, short), "bad_frame");
  let tries = 0;
  const limited = await (async () => {
    for (;; tries++) {
      const error = await block(a, carl).then(() => null, (thrown) => thrown);
      if (error) return error;
    }
  })();
  assert.equal(limited.code, "rate_limited");
  assert.ok(tries >= 50 && tries <= 60, String(tries));
});

Deno.test("an account blocks a thousand others at most, and what it does not block costs no question to the store", async () => {
  await using store = openMemoryStore({ limits: roomy });
  let asked = 0;
  const counting = Object.assign(Object.create(store), {
    accounts: store.accounts,
    bundleOfAccount: () => Promise.resolve(null),
    bundleOfDevice: (device: Uint8Array) => {
      asked++;
      return store.bundleOfDevice(device);
    },
  });
  const put = ({ account, bundle, device }: Person) =>
    store.putBundle({
      account: account.hash,
      version: bundle.version,
      bundle: bundle.bytes,
      devices: [device.publicKey],
    }, 0);
  for (const who of [ada, eve, carl]) await put(who);
  const blocks = await Blocks.load(counting, () => NOW);
  const from = async (who: Person, to: Person): Promise<OpenedEnvelope> => parseEnvelope(await envelope(who, to, NOW));
  assert.equal(blocks.check(await from(eve, ada)), null, "a relay without blocks");
  for (let n = 0; n < MAX_BLOCKS; n++) {
    await blocks.block(ada.account.hash, new Uint8Array(32).fill(n & 255, 0, 16).fill(n >> 8, 16));
  }
  await refused(() => blocks.block(ada.account.hash, eve.account.hash), "busy");
  assert.equal(blocks.check(await from(ada, carl)), null, "a mailbox without blocks");
  const group = { ...await from(ada, carl), contentType: CONTENT_GROUP };
  assert.equal(blocks.check(group), null, "a group");
  assert.equal(asked, 0);
  blocks.listChanged(ada.account.hash, [ada.device.publicKey], []);
  await blocks.check(await from(eve, ada));
  assert.equal(asked, 1);
  blocks.ended(ada.account.hash, [ada.device.publicKey]);
  assert.equal(blocks.check(await from(eve, ada)), null, "an account that ended");
});
